"""kaiko-middleware for django-ninja: `install(api)` makes every error answer an envelope.

Add the middleware of `kaiko_django` to the settings, and call `install` for each API:

    api = NinjaAPI()
    install(api)

    @api.get("/contexts/{context_id}", response={200: Context, **responses(ContextNotFound)})
    def context(request: HttpRequest, context_id: str) -> Context:
        raise ContextNotFound

Validation failures then name the parameter to blame as the client knows it, transactions are
rolled back, and the OpenAPI document shows the envelope.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kaiko_middleware.extras import require

if TYPE_CHECKING:
    from ninja import NinjaAPI

    from kaiko_middleware import Config, KaikoError

__all__ = ["install", "responses"]

require("kaiko_ninja", "ninja", "django")


def install(api: NinjaAPI, config: Config | None = None) -> None:
    """Make every error answer of `api` an envelope, and document it.

    Exception handlers that the service registers, before or after, stay in force. Their answers are
    rewritten like any other answer. An unmapped exception is passed to Django, which logs and
    signals it once.

    Arguments:
        api: the API; call this before or after its operations are added.
        config: the settings; by default those of the project (`KAIKO_MIDDLEWARE`).

    Raises:
        TypeError: `api` is not a NinjaAPI, or `config` not a `Config`.
        RuntimeError: it is installed already.

    """
    # Ninja reads the settings when it is imported, so it must not be imported before them.
    from kaiko_ninja._install import install_on  # noqa: PLC0415 - see above

    install_on(api, config)


def responses(*classes: type[KaikoError]) -> dict[int, Any]:
    """Return the `response=` entries for the errors that an operation raises.

    Arguments:
        classes: classes of typed errors, the toolkit's or the service's own.

    Raises:
        TypeError: an argument is something else.

    >>> from kaiko_middleware import ConflictError, NotFoundError
    >>> [*responses(NotFoundError, ConflictError)]
    [404, 409]
    """
    from kaiko_ninja._responses import response_models  # noqa: PLC0415 - pydantic, 150 ms

    return response_models(*classes)
