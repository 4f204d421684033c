"""Exception handlers for what Starlette itself would answer.

They are coroutine functions: a plain function would cost a thread hop, twelve times the
whole answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kaiko_asgi.scope import STATE_ID, STATE_REPLY, request_info, was_seen
from kaiko_middleware import current_request_id
from kaiko_starlette._response import ReplyResponse
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

if TYPE_CHECKING:
    from kaiko_middleware import Reply
    from kaiko_middleware.engine import Engine
    from starlette.types import ASGIApp


class Handlers:
    """The handlers of one installed configuration.

    Arguments:
        engine: the core's steps.
        app: the application, whose paths outside the configuration's stay Starlette's own.

    """

    def __init__(self, engine: Engine, app: ASGIApp) -> None:
        self._engine = engine
        self._starlettes_own = ExceptionMiddleware(app).http_exception

    async def typed_error(self, request: Request, exc: Exception) -> Response:
        """Answer a `KaikoError`."""
        request_id = current_request_id()
        if request_id is None or request.scope["type"] != "http":
            raise exc  # left alone; or a socket, which the middleware denies or closes
        return self._answer(request, exc, request_id)

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
        if not self._engine.config.covers(scope["path"]):
            return _plain()
        state = scope.get("state") or {}
        # What stands outside of our middleware finds the id there, if it was reached at all.
        request_id = state.get(STATE_ID) or self._engine.ids()
        if not was_seen(exc, request_id):
            return self._answer(request, exc, request_id)
        # Answered further in: Starlette sends this only where that answer was dropped.
        reply: Reply | None = state.get(STATE_REPLY)
        return _plain() if reply is None else ReplyResponse(reply)

    def _answer(self, request: Request, exc: Exception, request_id: str) -> Response:
        answer = self._engine.on_exception(exc, request_info(request.scope, request_id))
        return ReplyResponse(answer.reply)


def _plain() -> Response:
    """Return what Starlette answers where nobody registered a handler."""
    return PlainTextResponse("Internal Server Error", status_code=500)
