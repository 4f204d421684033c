"""Exception handlers for what FastAPI itself would answer.

They stand where FastAPI's own stood, and leave to those what is none of ours: paths that
are not covered, and HTTP exceptions that are no errors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi.exception_handlers import (
    http_exception_handler,
    request_validation_exception_handler,
    websocket_request_validation_exception_handler,
)

from kaiko_fastapi._declared import Declarations
from kaiko_fastapi._failures import error_of
from kaiko_middleware import InvalidRequestError
from kaiko_middleware.mapping import is_disconnect

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from fastapi.exceptions import RequestValidationError, WebSocketRequestValidationError
    from starlette.exceptions import HTTPException
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.websockets import WebSocket

    from kaiko_middleware import Config

    Answering = Callable[[Request, Exception], Awaitable[Response]]

# What FastAPI says of every body that it cannot read, whatever the reason.
_UNREADABLE = "There was an error parsing the body"


class Handlers:
    """The handlers of one installed configuration.

    Arguments:
        config: says which paths are covered.
        typed: answers a typed error; raises it again for a WebSocket.
        http: answers an HTTP exception that is an error.

    """

    def __init__(self, config: Config, typed: Answering, http: Answering) -> None:
        self._config = config
        self._typed = typed
        self._http = http
        self._declarations = Declarations()

    async def http_exception(self, request: Request, exc: HTTPException) -> Response:
        """Answer an `HTTPException`."""
        if 100 <= exc.status_code < 400 or not self._config.covers(request.scope["path"]):
            return await http_exception_handler(request, exc)
        cause = exc.__cause__
        if exc.detail == _UNREADABLE and cause is not None:
            if is_disconnect(cause):
                raise cause
            form = self._declarations.of(request.scope).form
            if not form and isinstance(cause, ValueError | RecursionError):
                unreadable = InvalidRequestError(
                    "The request body is not valid JSON", code="invalid_json"
                )
                return await self._typed(request, unreadable)
        return await self._http(request, exc)

    async def validation_failed(self, request: Request, exc: RequestValidationError) -> Response:
        """Answer a request that FastAPI's validation refused."""
        if not self._config.covers(request.scope["path"]):
            return await request_validation_exception_handler(request, exc)
        declared = self._declarations.of(request.scope)
        error = error_of(exc.errors(), exc.body, request.headers, declared)
        return await self._typed(request, error)

    async def socket_validation_failed(
        self, socket: WebSocket, exc: WebSocketRequestValidationError
    ) -> None:
        """Deny a WebSocket whose parameters were refused, or close it."""
        if not self._config.covers(socket.scope["path"]):
            await websocket_request_validation_exception_handler(socket, exc)
            return
        declared = self._declarations.of(socket.scope)
        # The middleware turns it into the denial, or the close.
        raise error_of(exc.errors(), None, socket.headers, declared)
