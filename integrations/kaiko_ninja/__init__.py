"""kaiko-middleware for django-ninja: `install(api)`, and every error answer is an envelope.

The middleware of `kaiko_django` stands in the settings; the call adds what only Ninja knows:

    api = NinjaAPI()
    install(api)

    @api.get("/contexts/{context_id}", response={200: Context, **responses(ContextNotFound)})
    def context(request: HttpRequest, context_id: str) -> Context:
        raise ContextNotFound

Validation failures then say what is to blame in the client's words, transactions are rolled
back, and the OpenAPI document shows the envelope.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ninja import NinjaAPI

    from kaiko_middleware import Config, KaikoError

__all__ = ["install", "responses"]


def install(api: NinjaAPI, config: Config | None = None) -> None:
    """Make every error answer of `api` an envelope, and document it.

    Exception handlers that the service registered, before or after, stay in force; what they
    answer is rewritten like any other answer. An exception that nobody foresaw is handed to
    Django, which logs and signals it once.

    Arguments:
        api: the API; before or after its operations are added.
        config: the settings; those of the project (`KAIKO_MIDDLEWARE`) when left out.

    Raises:
        TypeError: `api` is no NinjaAPI, or `config` no `Config`.
        RuntimeError: it is installed already.

    """
    # Ninja reads the settings when it is imported, and may not be before they are there.
    from kaiko_ninja._install import install_on  # noqa: PLC0415 - see above

    install_on(api, config)


def responses(*classes: type[KaikoError]) -> dict[int, Any]:
    """Return what the `response=` of an operation says of the errors that it raises.

    Arguments:
        classes: classes of typed errors, the toolkit's or the service's own.

    Raises:
        TypeError: something else is given.

    >>> from kaiko_middleware import ConflictError, NotFoundError
    >>> [*responses(NotFoundError, ConflictError)]
    [404, 409]
    """
    from kaiko_ninja._responses import response_models  # noqa: PLC0415 - pydantic, 150 ms

    return response_models(*classes)
