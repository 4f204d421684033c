"""Exception handlers for what Litestar itself would answer.

Litestar asks them inside of all middleware, and calls its hooks before: Sentry and other tools see
what they see without us. A handler of the service's is asked in place of ours, on every layer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from litestar.exceptions import HTTPException, responses

from kaiko_asgi.exchange_driver import request_info
from kaiko_asgi.scope import shows_debug_page
from kaiko_litestar._known import known_of, left_early
from kaiko_litestar._response import NoAnswer, ReplyResponse
from kaiko_middleware import KaikoError, current_request_id
from kaiko_middleware.layers import PASS_THROUGH

if TYPE_CHECKING:
    from collections.abc import Callable

    from litestar import Request, Response

    from kaiko_asgi import Scope
    from kaiko_middleware.pipeline import Pipeline

    Asked = Request[Any, Any, Any]
    Handler = Callable[[Asked, Any], Response[Any]]

__all__ = ["Handlers"]

_litestars: Any = responses  # its answers have types that are in part unknown

_LAST = 500
"""Litestar's key for the handler of what has no other."""


class Handlers:
    """The handlers of one application.

    Arguments:
        pipeline: the core's steps.
        app: the `Litestar` application, whose own types are in part unknown.

    """

    def __init__(self, pipeline: Pipeline, app: Any) -> None:
        self._pipeline = pipeline
        self._app = app
        self._given: dict[object, Handler] = {}
        """Litestar's own, in whose place ours are."""

    def register(self) -> None:
        """Put the handlers where the service has none."""
        handlers: dict[int | type[BaseException], Handler] = self._app.exception_handlers
        for cls in (KaikoError, HTTPException, *self._pipeline.config.mapping.classes):
            if issubclass(cls, Exception) and cls is not Exception:
                handlers.setdefault(cls, self.answer)
        for key, given in handlers.items():
            if getattr(given, "__module__", "").startswith("litestar.middleware."):
                self._given[key] = given  # of Starlette's HTTPException
                handlers[key] = self.answer
        # Not one of Exception, which would come before a service's own for this.
        handlers.setdefault(_LAST, self.last_resort)

    def answer(self, request: Asked, exc: Exception, *, last: bool = False) -> Response[Any]:
        """Answer an exception; `last` says that no handler of a class takes it."""
        scope: Scope = {**request.scope}
        request_id = current_request_id()
        # There is an id only inside the middleware, so not for uncovered paths.
        if request_id is None or _is_no_error(exc):
            return self._as_before(request, exc)
        if left_early(exc):
            return NoAnswer()  # our middleware was told of it, too, and reports it
        pipeline = self._pipeline
        info = request_info(scope, request_id)
        answer = pipeline.on_mapped(exc, info, known=known_of(request))
        if answer is None:
            own = None if last else self._next_handler(request, exc)
            if own is not None:  # as if this handler was not there
                return own(request, exc)
            answer = pipeline.on_unmapped(exc, info, handed_on=self._is_handed_on)
            if shows_debug_page(scope):
                scope["state"][PASS_THROUGH] = True  # it is reported already
                return _debug_page(request, exc)
        return ReplyResponse(answer.reply, request_id)

    def _next_handler(self, request: Asked, exc: Exception) -> Handler | None:
        """Return the service's handler that Litestar would ask, were it not for ours."""
        handlers, ours = _handlers_for(request), (self.answer, self.last_resort)
        keys: tuple[object, ...] = type(exc).__mro__
        for key in keys if isinstance(exc, HTTPException) else (*keys, _LAST):
            handler = handlers.get(key)
            if handler is not None and handler not in ours:
                return handler
        return None

    def last_resort(self, request: Asked, exc: Exception) -> Response[Any]:
        """Answer what no handler of a class takes, or an HTTP exception whose status is 500."""
        if isinstance(exc, HTTPException):
            # Litestar asks by status first: the service may have a handler of the class.
            handlers = _handlers_for(request)
            # Ours, if no other.
            handler = next(handlers[cls] for cls in type(exc).__mro__ if cls in handlers)
            return handler(request, exc)
        return self.answer(request, exc, last=True)

    @property
    def _is_handed_on(self) -> bool:
        """Whether a hook of the service's hears of exceptions before they are answered."""
        return len(self._app.after_exception) > 1  # besides ours

    def _as_before(self, request: Asked, exc: Exception) -> Response[Any]:
        for cls in type(exc).__mro__:
            if cls in self._given:
                return self._given[cls](request, exc)
        status = exc.status_code if isinstance(exc, HTTPException) else 500
        if status == 500 and self._app.debug:
            return _debug_page(request, exc)
        plain: Response[Any] = _litestars.create_exception_response(request, exc)
        return plain


def _handlers_for(request: Asked) -> dict[object, Handler]:
    """Return the handlers of the layers around what was called."""
    route: Any = request.scope["route_handler"]  # its own types are in part unknown
    handlers: dict[object, Handler] = route.resolve_exception_handlers()
    return handlers


def _debug_page(request: Asked, exc: Exception) -> Response[Any]:
    page: Response[Any] = _litestars.create_debug_response(request, exc)
    return page


def _is_no_error(exc: Exception) -> bool:
    """Whether `exc` is an HTTP exception that is no error: Litestar answers it as it is."""
    return isinstance(exc, HTTPException) and 100 <= exc.status_code < 400
