"""Exception handlers for what Starlette itself would answer.

They are coroutine functions: a plain function would cost a thread hop, twelve times the
whole answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kaiko_asgi.scope import STATE_ID, STATE_SEEN, request_info
from kaiko_starlette._response import ReplyResponse
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

if TYPE_CHECKING:
    from kaiko_middleware.engine import Engine
    from starlette.requests import HTTPConnection

_EMPTY = frozenset({204, 304})


class Handlers:
    """The handlers of one installed configuration."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def typed_error(self, request: Request, exc: Exception) -> Response:
        """Answer a `KaikoError`."""
        return self._answer(request, exc)

    async def http_exception(self, request: Request, exc: Exception) -> Response:
        """Answer an `HTTPException`; one that is no error stays what Starlette makes of it."""
        if not isinstance(exc, HTTPException) or not 100 <= exc.status_code <= 599:
            raise exc
        covered = self._engine.config.covers(request.scope["path"])
        if covered and exc.status_code >= 400:
            return self._answer(request, exc)
        if request.scope["type"] != "http":
            raise exc
        if exc.status_code in _EMPTY:
            return Response(status_code=exc.status_code, headers=exc.headers)
        return PlainTextResponse(exc.detail, status_code=exc.status_code, headers=exc.headers)

    async def server_error(self, request: Request, exc: Exception) -> Response:
        """Answer what middleware outside of ours raised; Starlette raises it again."""
        state = request.scope.get("state") or {}
        if state.get(STATE_SEEN) == id(exc):
            return Response(status_code=500)  # answered further in: Starlette sends none
        return self._answer(request, exc)

    def _answer(self, request: HTTPConnection, exc: Exception) -> Response:
        scope = request.scope
        if scope["type"] != "http":
            raise exc  # the middleware denies or closes the socket
        request_id = (scope.get("state") or {}).get(STATE_ID) or self._engine.ids()
        answer = self._engine.on_exception(exc, request_info(scope, request_id))
        return ReplyResponse(answer.reply)
