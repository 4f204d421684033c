"""Watches Django's test clients, DRF's and django-ninja's: they call no WSGI or ASGI application.

Nothing here imports Django; it is loaded when there is an answer of it.
"""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING, Any

from kaiko_middleware.headers import prefers_html
from kaiko_middleware.layers import COVERED, PASS_THROUGH, REQUEST_ID

from ._answers import Answer
from ._documents import Source

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ._watch import Watch

__all__ = ["observe_django", "observe_ninja"]


def observe_django(watch: Watch, response: Any) -> None:
    """Take what Django's handler for tests returned.

    Arguments:
        watch: takes the answer.
        response: a response with the request that it answers.

    """
    if response.status_code < 400 and not watch.report:
        return
    request: Any = getattr(response, "wsgi_request", None) or response.asgi_request
    if getattr(response, PASS_THROUGH, False) or not getattr(request, COVERED, True):
        return
    from django.conf import settings  # noqa: PLC0415 - it is loaded: there is an answer

    if settings.DEBUG and prefers_html(request.META.get("HTTP_ACCEPT", "")):
        return  # Django's debug page
    watch.observe(_answer(response, request), _source(request))


def observe_ninja(watch: Watch, api: Any, request: Any, response: Any) -> None:
    """Take what django-ninja's test client returned.

    Arguments:
        watch: takes the answer.
        api: the client's API, or its router, which has no document.
        request: the request.
        response: the client's response.

    """
    source = None
    if hasattr(api, "get_openapi_schema"):
        make = partial(api.get_openapi_schema, path_prefix="/")
        source = Source((id(api), "client"), make, "/" + request.path.partition("?")[0].lstrip("/"))
    watch.observe(_answer(response, request), source)


def _answer(response: Any, request: Any) -> Answer:
    streaming: bool = response.streaming  # its body is the test's to read
    kind: str = request.META.get("CONTENT_TYPE") or ""
    return Answer(
        response.status_code,
        tuple((name, str(value)) for name, value in response.headers.items()),
        b"" if streaming else response.content,
        request.method,
        request.path,
        (("content-type", kind),) if kind else (),
        getattr(request, REQUEST_ID, None),
    )


def _source(request: Any) -> Source | None:
    """Return where the document of a request's view comes from; None where nothing makes one."""
    match = request.resolver_match
    if match is None:
        return None
    path: str = request.path_info  # a document's paths are below any SCRIPT_NAME
    if match.func.__module__.startswith("ninja."):
        return Source(("ninja", *match.namespaces), partial(_of_ninja, match.namespace), path)
    if hasattr(match.func, "cls") and "drf_spectacular" in sys.modules:
        from django.conf import settings  # noqa: PLC0415 - it is loaded: there is a request

        return Source(("spectacular", settings.ROOT_URLCONF), _of_spectacular, path)
    return None


def _of_ninja(namespace: str) -> Mapping[str, Any]:
    from django.test.utils import override_script_prefix  # noqa: PLC0415 - likewise
    from django.urls import resolve, reverse  # noqa: PLC0415 - likewise

    with override_script_prefix("/"):  # a request of before may have left another one
        # The view of each API's root knows the API.
        view: Any = resolve(reverse(f"{namespace}:api-root")).func
        document: Mapping[str, Any] = view.keywords["api"].get_openapi_schema()
    return document


def _of_spectacular() -> Mapping[str, Any]:
    import drf_spectacular.generators  # noqa: PLC0415 - likewise

    generators: Any = drf_spectacular.generators
    made: Any = generators.SchemaGenerator()
    document: Mapping[str, Any] = made.get_schema(request=None, public=True)
    return document
