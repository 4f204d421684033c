"""Exception handlers that replace FastAPI's own.

They call FastAPI's own handlers for paths that are not covered, and for HTTP exceptions that are
not errors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi.exception_handlers import (
    http_exception_handler,
    request_validation_exception_handler,
    websocket_request_validation_exception_handler,
)

from kaiko_fastapi._declared import Declarations
from kaiko_fastapi._failures import error_of
from kaiko_middleware import current_request_id
from kaiko_middleware.map_exception import is_disconnect
from kaiko_middleware.validation import Failure, error_from_failures

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from fastapi.exceptions import RequestValidationError, WebSocketRequestValidationError
    from starlette.exceptions import HTTPException
    from starlette.requests import HTTPConnection, Request
    from starlette.responses import Response
    from starlette.websockets import WebSocket

    from kaiko_middleware import KaikoError

    Answering = Callable[[Any, Exception], Awaitable[Response]]  # of a request or a socket

# FastAPI's text for every body that it cannot read, whatever the reason.
_UNREADABLE = "There was an error parsing the body"


class Handlers:
    """The handlers of one installed configuration.

    Arguments:
        typed: answers a typed error; None if the service has its own handler.
        http: answers an HTTP exception that is an error.

    """

    def __init__(self, typed: Answering | None, http: Answering) -> None:
        self._typed = typed
        self._http = http
        self._declarations = Declarations()

    async def http_exception(self, request: Request, exc: HTTPException) -> Response:
        """Answer an `HTTPException`."""
        # There is an id only inside the middleware, so not for uncovered paths.
        if 100 <= exc.status_code < 400 or current_request_id() is None:
            return await http_exception_handler(request, exc)
        cause = exc.__cause__
        if exc.detail == _UNREADABLE and cause is not None:
            if is_disconnect(cause):
                raise cause
            form = self._declarations.of(request.scope).form
            if not form and isinstance(cause, ValueError | RecursionError):
                unreadable = error_from_failures([Failure("json", "body", None)])
                return await self._answer(request, unreadable)
        return await self._http(request, exc)

    async def validation_failed(self, request: Request, exc: RequestValidationError) -> Response:
        """Answer a request that FastAPI's validation refused."""
        if current_request_id() is None:
            return await request_validation_exception_handler(request, exc)
        declared = self._declarations.of(request.scope)
        return await self._answer(request, error_of(exc.errors(), exc.body, request, declared))

    async def socket_validation_failed(
        self, socket: WebSocket, exc: WebSocketRequestValidationError
    ) -> Response | None:
        """Deny a WebSocket whose parameters were refused, or close it."""
        if current_request_id() is None:
            await websocket_request_validation_exception_handler(socket, exc)
            return None
        declared = self._declarations.of(socket.scope)
        return await self._answer(socket, error_of(exc.errors(), None, socket, declared))

    async def _answer(self, request: HTTPConnection, error: KaikoError) -> Response:
        if self._typed is None:
            raise error from None
        return await self._typed(request, error)
