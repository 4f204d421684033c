"""Exception handlers for what Starlette itself would answer.

They are coroutine functions: a plain function would cost a thread hop, twelve times the
whole answer.
"""

from __future__ import annotations

from functools import partial
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from starlette.concurrency import run_in_threadpool
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.responses import PlainTextResponse, Response

from kaiko_asgi.scope import STATE_ID, STATE_REPLY, mark_seen, request_info, was_seen
from kaiko_middleware import current_request_id
from kaiko_middleware.safe_exception import own
from kaiko_starlette._response import ReplyResponse

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.types import ExceptionHandler

    from kaiko_middleware import Reply
    from kaiko_middleware.pipeline import Pipeline

_HANDLED = "kaiko_handled"


class Last(NamedTuple):
    """The answer to an exception that no handler of its own took."""

    response: Response
    hand_on: bool
    report: Callable[[], None]
    """Logs it and calls the hooks; to be called once."""


class Handlers:
    """The handlers of one installed configuration.

    Arguments:
        pipeline: the core's steps.
        app: the application, whose paths outside the configuration's stay Starlette's own.

    """

    def __init__(self, pipeline: Pipeline, app: Starlette) -> None:
        self.last_resort: ExceptionHandler | None = None
        """The service's own handler of `Exception` or 500; it is called once an exception."""
        self._pipeline = pipeline
        self._app = app
        self._starlettes_own = ExceptionMiddleware(app).http_exception
        self.typed_error = _typed_error_handler(pipeline)
        """Answers a `KaikoError`."""

    async def http_exception(self, request: Request, exc: Exception) -> Response:
        """Answer an `HTTPException`; one that is no error stays what Starlette makes of it."""
        status: int = getattr(exc, "status_code", 0)
        if current_request_id() is None or 100 <= status < 400:
            return await self._starlettes_own(request, exc)
        if status < 100 or status > 599:
            raise exc  # a bug: no server would send it
        return await self.typed_error(request, exc)

    async def server_error(self, request: Request, exc: Exception) -> Response:
        """Answer what middleware outside of ours raised; Starlette raises it again."""
        scope = request.scope
        if not self._pipeline.config.covers(scope["path"]):
            response = await self._service_response(request, exc, "")
            return _plain() if response is None else response
        state: dict[str, Any] = scope.get("state") or {}
        # What stands outside of our middleware finds the id there, if it was reached at all.
        request_id: str = state.get(STATE_ID) or self._pipeline.ids()
        if not was_seen(exc, request_id):
            last = await self.last(request, exc, request_id)
            last.report()
            return last.response
        if own(exc, "__dict__").get(_HANDLED) != request_id:
            await self._service_response(request, exc, request_id)  # told, as Starlette tells it
        # Answered further in: Starlette sends this only where that answer was dropped.
        reply: Reply | None = state.get(STATE_REPLY)
        return _plain() if reply is None else ReplyResponse(reply)

    async def last(self, request: Request, exc: BaseException, request_id: str) -> Last:
        """Answer what no handler of its own took: as the service says, else by the mapping.

        Arguments:
            request: the request.
            exc: the exception that failed it.
            request_id: its id.

        """
        pipeline = self._pipeline
        mark_seen(exc, request_id)
        given = None
        if isinstance(exc, Exception):
            given = await self._service_response(request, exc, request_id)
        info = request_info(request.scope, request_id, typed=given is not None)
        if given is None:
            answer = pipeline.on_exception(exc, info, report=False)
            unmapped = answer.unmapped
        else:
            unmapped = pipeline.find(exc, info) is None
            if given.status_code < 400:
                return Last(given, unmapped and pipeline.config.reraise, _say_nothing)
            headers = [
                (name.decode("latin-1"), value.decode("latin-1"))
                for name, value in given.raw_headers
            ]
            body = bytes(given.body) if hasattr(given, "body") else None
            answer = pipeline.on_answer(given.status_code, headers, body, info, report=False)
        return Last(
            ReplyResponse(answer.reply, None if given is None else given.background),
            (unmapped and pipeline.config.reraise) or not isinstance(exc, Exception),
            partial(pipeline.report, answer.error, exc, info, unmapped=unmapped),
        )

    async def _service_response(
        self, request: Request, exc: Exception, request_id: str
    ) -> Response | None:
        """Return what the service's own handler answers; in debug Starlette asks none."""
        own(exc, "__dict__")[_HANDLED] = request_id
        handler = self.last_resort
        if handler is None or self._app.debug:
            return None
        called = cast("Callable[[Request, Exception], object]", handler)
        try:
            if iscoroutinefunction(handler) or iscoroutinefunction(type(handler).__call__):
                given = await cast("Awaitable[object]", called(request, exc))
            else:
                given = await run_in_threadpool(called, request, exc)
        except Exception as failed:
            own(failed, "__dict__")[_HANDLED] = request_id  # it is not asked about its own failure
            raise
        return given if isinstance(given, Response) else None


def _typed_error_handler(pipeline: Pipeline) -> Callable[[Request, Exception], Awaitable[Response]]:
    # A plain function: Starlette finds out for every error whether its handler is a
    # coroutine's, and for a method that takes it half as long again.
    async def typed_error(request: Request, exc: Exception) -> Response:
        request_id = current_request_id()
        if request_id is None or request.scope["type"] != "http":
            raise exc  # left alone; or a socket, which the middleware denies or closes
        return ReplyResponse(
            pipeline.on_exception(exc, request_info(request.scope, request_id)).reply
        )

    return typed_error


def _plain() -> Response:
    """Return what Starlette answers where nobody registered a handler."""
    return PlainTextResponse("Internal Server Error", status_code=500)


def _say_nothing() -> None:
    """Report what is no error answer."""
