"""`install(app)`: the middleware, and handlers for what Starlette itself answers.

Four places of a Starlette application answer errors, and each gets what it needs:

- outermost of the user's middleware stands `KaikoMiddleware`: ids, rewriting, streams;
- innermost stands `Boundary`, which answers unmapped exceptions where CORS, GZip and the
  like still add their headers, and raises them again for everybody outside;
- `ExceptionMiddleware` gets handlers for typed errors and `HTTPException`;
- `ServerErrorMiddleware`, outside of all user middleware, gets one for what middleware
  that was added later raises.

`build_middleware_stack` is left alone: instrumentation replaces it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware

from kaiko_asgi import KaikoMiddleware
from kaiko_middleware import Config, KaikoError
from kaiko_middleware.pipeline import Pipeline
from kaiko_starlette._boundary import Boundary
from kaiko_starlette._handlers import Handlers

if TYPE_CHECKING:
    from starlette.types import ExceptionHandler


_LAST_RESORTS = (500, Exception)


def install(app: Starlette, config: Config | None = None) -> None:
    """Make every error answer of `app` an envelope.

    Handlers that the application registered, before or after, stay in force; what they
    answer is rewritten like any other answer. Middleware added later stands outside of
    ours, and what it raises is answered as well.

    Arguments:
        app: the application, before it served its first request.
        config: the settings; all defaults when left out.

    Raises:
        TypeError: `app` is no Starlette application, or `config` no `Config`.
        RuntimeError: it is installed already, or the application has started.

    """
    if not isinstance(cast("object", app), Starlette):
        msg = f"install(app) takes a Starlette application, not {type(app).__qualname__}"
        raise TypeError(msg)
    installed: list[object] = [entry.cls for entry in app.user_middleware]
    if KaikoMiddleware in installed:
        msg = "kaiko_starlette is installed on this application already: call install(app) once"
        raise RuntimeError(msg)
    if app.middleware_stack is not None:
        msg = "the application has started: call install(app) before its first request"
        raise RuntimeError(msg)
    config = Config() if config is None else config
    pipeline = Pipeline(config)
    handlers = Handlers(pipeline, app)
    app.add_middleware(KaikoMiddleware, config=config)
    app.user_middleware.append(Middleware(Boundary, handlers=handlers))
    if KaikoError not in app.exception_handlers:
        app.add_exception_handler(KaikoError, handlers.typed_error)
    if HTTPException not in app.exception_handlers:
        app.add_exception_handler(HTTPException, handlers.http_exception)
    _keep_last_resort(app, handlers)


def _keep_last_resort(app: Starlette, handlers: Handlers) -> None:
    """Let ours call the service's handler of `Exception` or 500, now and later.

    Starlette would call it outside of all middleware, and after `Boundary` has answered:
    its answer would have no CORS headers, or would be dropped.
    """
    for key in [key for key in app.exception_handlers if key in _LAST_RESORTS]:
        handlers.last_resort = app.exception_handlers.pop(key)
    app.exception_handlers[Exception] = handlers.server_error
    register = app.add_exception_handler

    def add_exception_handler(
        exc_class_or_status_code: int | type[Exception], handler: ExceptionHandler
    ) -> None:
        if exc_class_or_status_code in _LAST_RESORTS:
            handlers.last_resort = handler
        else:
            register(exc_class_or_status_code, handler)

    app.add_exception_handler = add_exception_handler  # type: ignore[method-assign]  # on this one
