"""Exception handlers for what Starlette itself would answer.

They are coroutine functions: a plain function would cost a thread hop, twelve times the
whole answer.
"""

from __future__ import annotations

from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any, cast

from starlette.concurrency import run_in_threadpool
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from kaiko_asgi.cors import CorsHeaders
from kaiko_asgi.exchange_driver import ExchangeDriver, request_info
from kaiko_asgi.observers import tell_observers
from kaiko_asgi.scope import was_covered
from kaiko_middleware import KaikoError, current_request_id
from kaiko_middleware.layers import REQUEST_ID, layers_of
from kaiko_middleware.map_exception import is_disconnect
from kaiko_starlette._response import ReplyResponse, SocketReply

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.applications import Starlette
    from starlette.types import ASGIApp, ExceptionHandler, Receive, Scope, Send

    from kaiko_asgi.send_wrapper import SendWrapper
    from kaiko_middleware.pipeline import Pipeline


class Handlers:
    """The handlers of one installed configuration.

    Arguments:
        pipeline: the core's steps.
        app: the application.

    """

    def __init__(self, pipeline: Pipeline, app: Starlette) -> None:
        self.app: Starlette = app
        self.own_handler: ExceptionHandler | None = None
        """The service's handler of `Exception` or 500; it is called once an exception."""
        self._pipeline = pipeline
        self._cors = CorsHeaders(app, pipeline.config.request_id_header, owner=app)
        self._starlettes_own = ExceptionMiddleware(app).http_exception
        self.typed_error: Callable[[Request, Exception], Awaitable[Response]]
        self.typed_error = _typed_error_handler(pipeline)
        """Answers a `KaikoError`, and every exception that the configuration maps."""

    async def http_exception(self, request: Request, exc: Exception) -> Response:
        """Answer an `HTTPException`; one that is no error stays what Starlette makes of it."""
        status: int = getattr(exc, "status_code", 0)
        if current_request_id() is None or 100 <= status < 400:
            return await self._starlettes_own(request, exc)
        if status < 100 or status > 599:
            raise exc  # a bug: no server would send it
        return await self.typed_error(request, exc)

    async def server_error(self, request: Request, exc: Exception) -> ASGIApp:
        """Answer what left all middleware; Starlette raises it again."""
        scope = request.scope
        if not was_covered(self._pipeline.config, scope):
            own = await self.own_answer(scope, request.receive, exc)
            return PlainTextResponse(_PLAIN, status_code=500) if own is None else own
        failed: Exception = exc
        try:
            given = await self.own_answer(scope, request.receive, exc)
        except Exception as its_own:  # noqa: BLE001 - the handler may raise anything
            given, failed = None, its_own
        return self._last_answer(scope, exc, given, failed)

    def _last_answer(
        self, scope: Scope, exc: Exception, given: Response | None, failed: Exception
    ) -> ASGIApp:
        """Return what sends the answer.

        Arguments:
            scope: the request's.
            exc: what nobody caught.
            given: the answer of the service's handler, if it has one.
            failed: `exc`, or what the service's handler raised over it.

        """
        state: dict[str, Any] = scope.setdefault("state", {})
        # Our middleware left the id there, if it was reached at all.
        request_id: str = state.get(REQUEST_ID) or self._pipeline.ids()
        layers = layers_of(state, request_id)
        wrapped = current_request_id() == request_id
        if layers.was_reported(exc):  # something was sent before it failed
            if not wrapped:
                layers.forget()
            return _nothing
        cors = self._cors
        if given is None and wrapped:
            # A layer of ours outside answers, unless the middleware of a parent does.
            layers.passed = failed
            layers.inner = (*layers.inner, cors)

        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            driver = ExchangeDriver(self._pipeline, scope, request_id, send, cors)
            try:
                if given is not None:
                    await driver.answer(given, receive, exc)
                elif not wrapped:
                    await driver.fail(failed, outermost=True)
            finally:
                if not wrapped:
                    layers.forget()
            if failed is not exc:
                raise failed

        return answer

    async def answer_inside(self, exc: Exception, wrapper: SendWrapper) -> bool:
        """Answer an exception in our middleware; return whether it is to be raised again.

        Arguments:
            exc: what came out of the middleware inside.
            wrapper: the response.

        """
        driver, receive = wrapper.driven(), wrapper.client
        config, response = self._pipeline.config, driver.response
        # In debug Starlette calls no handler of ours, but has its own page.
        outside = config.reraise and not self.app.debug
        if (
            self.own_handler is not None
            and not isinstance(exc, KaikoError)
            and not response.started
            and not driver.says_gone(exc)
            and not config.mapping.handles(exc)
            and not is_disconnect(exc)
            and not (outside and self._pipeline.find(exc, response.request) is None)
        ):
            driver.drop_end()
            try:
                given = await self.own_answer(driver.scope, receive, exc)
            except Exception as failed:  # noqa: BLE001 - the handler may raise anything
                given, exc = None, failed
            if given is not None:
                sent = tell_observers(exc, driver.scope)
                hand_on = await driver.answer(given, receive, exc)
                sent()
                return hand_on
        return await driver.fail(exc, answered_outside=outside)

    async def own_answer(self, scope: Scope, receive: Receive, exc: Exception) -> Response | None:
        """Return what the service's handler of `Exception` answers; None for nothing."""
        handler = self.own_handler
        if handler is None or self.app.debug:
            return None
        given = await _ask(handler, Request(scope, receive), exc)
        return given if isinstance(given, Response) else None


_PLAIN = "Internal Server Error"
"""What Starlette answers where nobody registered a handler."""


def _typed_error_handler(pipeline: Pipeline) -> Callable[[Request, Exception], Awaitable[Response]]:
    # A plain function: Starlette finds out for every error whether its handler is a
    # coroutine function, and for a method that takes half as long again.
    async def typed_error(request: Request, exc: Exception) -> Response:
        request_id = current_request_id()
        if request_id is None:
            raise exc  # left alone
        info = request_info(request.scope, request_id)
        answer = pipeline.on_mapped(exc, info)
        if answer is None:
            own = _next_handler(request, exc)
            if own is None:
                raise exc
            # As if ours was not there. One of a socket's returns None, which Starlette takes.
            return cast("Response", await _ask(own, request, exc))
        if request.scope["type"] != "http":
            return SocketReply(answer.reply, request_id, answer.error)
        return ReplyResponse(answer.reply, request_id)

    return typed_error


def _next_handler(request: Request, exc: Exception) -> ExceptionHandler | None:
    """Return the service's handler that Starlette would ask, were it not for ours."""
    handlers: dict[object, ExceptionHandler]
    handlers, _ = request.scope["starlette.exception_handlers"]
    for cls in type(exc).__mro__:
        handler = handlers.get(cls)
        package = str(getattr(handler, "__module__", "")).partition(".")[0]
        if handler is not None and package not in _NOT_THE_SERVICES:
            return handler
    return None


_NOT_THE_SERVICES = frozenset({"kaiko_starlette", "kaiko_fastapi", "starlette", "fastapi"})
"""The packages whose handlers are ours, or the framework's own."""


async def _ask(handler: ExceptionHandler, request: Request, exc: Exception) -> object:
    """Call a handler as Starlette does."""
    called = cast("Callable[[Request, Exception], object]", handler)  # one of sockets, likewise
    if iscoroutinefunction(handler) or iscoroutinefunction(type(handler).__call__):
        return await cast("Awaitable[object]", called(request, exc))  # as was asked
    return await run_in_threadpool(called, request, exc)


async def _nothing(scope: Scope, receive: Receive, send: Send) -> None:
    """Send nothing."""
