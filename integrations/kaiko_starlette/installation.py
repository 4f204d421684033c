"""`install(app)`: the middleware, and handlers for what Starlette itself answers.

Three places of a Starlette application answer errors, and each gets what it needs:

- outermost of the user's middleware is `KaikoMiddleware`: ids, rewriting, streams, and
  mapped exceptions that middleware raises. It lets an unmapped exception pass;
- `ExceptionMiddleware` gets handlers for typed errors, `HTTPException` and the classes that
  the configuration maps;
- `ServerErrorMiddleware`, outside of all middleware, gets one for what nobody caught.

`build_middleware_stack` is left alone: instrumentation replaces it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeGuard, cast

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import Router

from kaiko_asgi import KaikoMiddleware
from kaiko_asgi.cors import CorsHeaders
from kaiko_middleware import Config, KaikoError
from kaiko_middleware.arguments import wrong_argument
from kaiko_middleware.pipeline import Pipeline
from kaiko_starlette._handlers import Handlers
from kaiko_starlette._neighbours import note_neighbours

if TYPE_CHECKING:
    from starlette.types import ASGIApp, ExceptionHandler

    from kaiko_asgi.send_wrapper import SendWrapper

__all__ = ["install", "install_for", "require_app"]

_LAST_RESORTS = (500, Exception)


class InstalledMiddleware(KaikoMiddleware):
    """The middleware of an application whose `ServerErrorMiddleware` has a handler of ours."""

    is_outermost = False

    def __init__(self, app: ASGIApp, config: Config, handlers: Handlers) -> None:
        note_neighbours(handlers.app, config)  # all that is mounted is, by now
        super().__init__(app, config)
        self._handlers = handlers
        id_header = config.request_id_header
        self.known.cors = CorsHeaders(app, id_header, owner=handlers.app, ours=type(self))

    async def fail(self, exc: BaseException, wrapper: SendWrapper) -> bool:
        """Let an unmapped exception pass, which our handler answers outside of all middleware."""
        if isinstance(exc, Exception):
            return await self._handlers.answer_inside(exc, wrapper)
        return await super().fail(exc, wrapper)


def install(app: Starlette, config: Config | None = None) -> None:
    """Make every error answer of `app` an envelope.

    Handlers that the application registered, before or after, stay in force; what they
    answer is rewritten like any other answer. Middleware added later is put inside of ours,
    so what it raises or returns is in the contract as well.

    Arguments:
        app: the application, before it served its first request.
        config: the settings; all defaults when left out.

    Raises:
        TypeError: `app` is no Starlette application, or `config` no `Config`.
        RuntimeError: it is installed already, or the application has started.

    """
    install_for("kaiko_starlette.install", app, config)


def install_for(caller: str, app: Starlette, config: Config | None) -> None:
    """Install for an adapter of a framework that builds on Starlette; see `install`.

    Arguments:
        caller: the adapter's function, for the messages.
        app: the application.
        config: the settings; all defaults if it is None.

    """
    require_app(caller, app, Starlette)
    installed: list[object] = [entry.cls for entry in app.user_middleware]
    if KaikoMiddleware in installed or InstalledMiddleware in installed:
        msg = f"{caller}: this application has kaiko-middleware already; install it once"
        raise RuntimeError(msg)
    if app.middleware_stack is not None:
        msg = f"{caller}: the application has started; install before its first request"
        raise RuntimeError(msg)
    config = Config() if config is None else config
    pipeline = Pipeline(config)
    handlers = Handlers(pipeline, app)
    app.add_middleware(InstalledMiddleware, config=config, handlers=handlers)
    _stay_outermost(app)
    answered = [cls for cls in config.mapping.classes if _is_handled_inside(cls)]
    classes: list[type[Exception]] = [KaikoError, *answered]
    for cls in classes:
        if cls not in app.exception_handlers:
            app.add_exception_handler(cls, handlers.typed_error)
    if HTTPException not in app.exception_handlers:
        app.add_exception_handler(HTTPException, handlers.http_exception)
    _keep_last_resort(app, handlers)


def require_app(caller: str, app: object, kind: type[Starlette]) -> None:
    """Refuse what is no application of the framework.

    Arguments:
        caller: the adapter's function, for the message.
        app: what was given.
        kind: the framework's class.

    Raises:
        TypeError: `app` is something else.

    """
    if isinstance(app, kind):
        return
    hint = None
    if isinstance(app, Starlette):
        hint = "use kaiko_starlette.install"
    elif isinstance(app, Router):
        hint = "install on the application that has the router"
    elif isinstance(getattr(app, "app", None), Starlette):
        hint = "install on the application that it wraps"
    raise wrong_argument(f"{caller} takes a {kind.__name__} application", app, hint)


def _is_handled_inside(cls: type[BaseException]) -> TypeGuard[type[Exception]]:
    """Whether `ExceptionMiddleware` calls handlers of `cls`: not for every `Exception`."""
    return issubclass(cls, Exception) and cls is not Exception


def _stay_outermost(app: Starlette) -> None:
    """Put middleware that is added later inside of ours; tracing goes outside."""
    ours = app.user_middleware[0]

    def add_middleware(middleware_class: Any, *args: Any, **kwargs: Any) -> None:
        Starlette.add_middleware(app, middleware_class, *args, **kwargs)
        added = app.user_middleware[0]
        if getattr(middleware_class, "__module__", "").partition(".")[0] == "opentelemetry":
            return
        del app.user_middleware[0]
        app.user_middleware.insert(app.user_middleware.index(ours) + 1, added)

    app.add_middleware = add_middleware  # type: ignore[method-assign]  # on this one


def _keep_last_resort(app: Starlette, handlers: Handlers) -> None:
    """Let ours call the service's handler of `Exception` or 500, registered now or later.

    Starlette would call it outside of all middleware: its answer would have no CORS headers
    and be no envelope.
    """
    for key in [key for key in app.exception_handlers if key in _LAST_RESORTS]:
        handlers.own_handler = app.exception_handlers.pop(key)
    ours = cast("ExceptionHandler", handlers.server_error)  # Starlette may be given more
    app.exception_handlers[Exception] = ours
    register = app.add_exception_handler

    def add_exception_handler(
        exc_class_or_status_code: int | type[Exception], handler: ExceptionHandler
    ) -> None:
        if exc_class_or_status_code in _LAST_RESORTS:
            handlers.own_handler = handler
        else:
            register(exc_class_or_status_code, handler)

    app.add_exception_handler = add_exception_handler  # type: ignore[method-assign]  # on this one
