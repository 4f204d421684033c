"""`install(api)`: handlers for exceptions that Ninja would answer, and the document."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, cast
from weakref import WeakSet

from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.urls import get_script_prefix
from ninja import NinjaAPI, Router
from ninja.errors import HttpError, ValidationError

from kaiko_django.conf import current_pipeline
from kaiko_middleware import KaikoError
from kaiko_middleware.arguments import wrong_argument
from kaiko_middleware.openapi import document_errors
from kaiko_middleware.pipeline import Pipeline
from kaiko_ninja._failures import keep_contexts
from kaiko_ninja._handlers import Handling

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from django.http import HttpRequest, HttpResponse

    from kaiko_middleware import Config
    from kaiko_ninja._handlers import Handler

__all__ = ["install_on"]

_ANSWERED: tuple[type[Exception], ...] = (
    HttpError,
    ValidationError,
    Http404,
    PermissionDenied,
    KaikoError,
)
_METHOD = "get_openapi_schema"  # Ninja's views of the document call it too
_installed: WeakSet[NinjaAPI] = WeakSet()


def install_on(api: NinjaAPI, config: Config | None) -> None:
    """Install on `api`; see `kaiko_ninja.install`."""
    given = cast("object", api)  # callers may give anything
    if not isinstance(given, NinjaAPI):
        router = isinstance(given, Router)
        hint = "install on the API that the router is added to" if router else None
        raise wrong_argument("kaiko_ninja.install takes a NinjaAPI", api, hint)
    if api in _installed:
        msg = "kaiko_ninja.install: this API has kaiko-middleware already; install it once"
        raise RuntimeError(msg)
    pipeline = None if config is None else Pipeline(config)
    handlers: dict[object, Handler] = getattr(api, "_exception_handlers", {})
    for cls in _ANSWERED:
        given = handlers.get(cls)
        if given is None or _is_ninjas_own(given):
            handling = Handling(pipeline, given)
            answer = handling.answer
            if cls is PermissionDenied:
                answer = partial(_deny, handling, handlers)
            api.add_exception_handler(cls, answer)
    given = handlers.get(Exception)
    if given is not None and _is_ninjas_own(given):
        # In debug mode, Ninja's own handler shows the traceback to every client.
        api.add_exception_handler(Exception, Handling(pipeline, given).hand_on)
    keep_contexts(api)
    _document(api, pipeline)
    _installed.add(api)


def _deny(
    handling: Handling, handlers: Mapping[object, Handler], request: HttpRequest, exc: Any
) -> HttpResponse:
    # Looked up now: a service may register its handler after `install`.
    own = handlers.get(Exception)
    ours = (
        own is None or _is_ninjas_own(own) or isinstance(getattr(own, "__self__", None), Handling)
    )
    return handling.deny(None if ours else own, request, exc)


def _is_ninjas_own(handler: object) -> bool:
    function: object = getattr(handler, "func", handler)
    return str(getattr(function, "__module__", "")).startswith("ninja.")


def _document(api: NinjaAPI, pipeline: Pipeline | None) -> None:
    generate: Callable[..., dict[str, Any]] = getattr(api, _METHOD)

    def get_openapi_schema(*args: object, **kwargs: object) -> dict[str, Any]:
        document = generate(*args, **kwargs)
        config = (pipeline or current_pipeline()).config
        # The paths have the script's name before them.
        document_errors(document, config, root_path=get_script_prefix().rstrip("/"))
        return document

    setattr(api, _METHOD, get_openapi_schema)
