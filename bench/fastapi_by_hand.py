"""What a careful team writes itself for the contract's answers on FastAPI.

A pure ASGI middleware makes an id, a context variable and a header. Handlers build the
envelope with `JSONResponse` and log one line. The answers are those of the toolkit on the
paths that are measured; proxies, streams, mounted applications and the like are not covered.
"""

from __future__ import annotations

import logging
import secrets
from contextvars import ContextVar
from typing import TYPE_CHECKING, TypedDict

from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fastapi import FastAPI, Request

    from kaiko_asgi import ASGIApp, Message, Receive, Scope, Send

logger = logging.getLogger("bench.service")
_request_id: ContextVar[str] = ContextVar("request_id", default="")

_KINDS = {
    400: ("invalid_request_error", "bad_request", "The request is invalid"),
    404: ("not_found_error", "not_found", "Resource not found"),
}


class ServiceError(Exception):
    """What the service raises for its clients."""

    status = 500
    kind = "server_error"
    code = "internal"
    param: str | None = None


class ContextNotFound(ServiceError):
    """The context does not exist, or it has expired."""

    status = 404
    kind = "not_found_error"
    code = "context_not_found"
    param = "context_id"


class RequestIds:
    """Gives each request an id, and its answer the header."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = f"req-{secrets.token_hex(5)}"
        # The handler of Exception runs outside of this middleware.
        scope.setdefault("state", {})["request_id"] = request_id
        header = (b"x-request-id", request_id.encode("ascii"))

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], header]}
            await send(message)

        token = _request_id.set(request_id)
        try:
            await self.app(scope, receive, send_with_id)
        finally:
            _request_id.reset(token)


class _Failure(TypedDict):
    type: str
    loc: tuple[str | int, ...]


async def service_error(request: Request, exc: Exception) -> JSONResponse:
    """Answer the service's own error."""
    assert isinstance(exc, ServiceError)  # noqa: S101 - registered for it
    error = {"type": exc.kind, "code": exc.code, "message": str(exc), "param": exc.param}
    return _answer(request, exc.status, error)


async def http_exception(request: Request, exc: Exception) -> JSONResponse:
    """Answer what the router and dependencies raise."""
    assert isinstance(exc, HTTPException)  # noqa: S101 - likewise
    kind, code, message = _KINDS.get(exc.status_code, _KINDS[400])
    error = {"type": kind, "code": code, "message": message, "param": None}
    return _answer(request, exc.status_code, error, exc.headers)


async def validation_failed(request: Request, exc: Exception) -> JSONResponse:
    """Answer a request that FastAPI refused."""
    assert isinstance(exc, RequestValidationError)  # noqa: S101 - likewise
    failures: Sequence[_Failure] = exc.errors()
    first, *rest = (_param(failure["loc"][1:]) for failure in failures)
    more = f" (and {len(rest)} more: {', '.join(rest)})" if rest else ""
    if failures[0]["type"] == "missing":
        status, code, message = 400, "missing_field", f"The '{first}' field is required"
    else:
        status, code = 422, f"invalid_{first.rpartition('.')[2]}"
        message = f"The '{first}' field has an invalid value"
    kind = "invalid_request_error"
    error = {"type": kind, "code": code, "message": message + more, "param": first}
    return _answer(request, status, error)


async def unmapped(request: Request, exc: Exception) -> JSONResponse:
    """Answer a bug, and log its traceback."""
    request_id: str = request.state.request_id
    logger.error(
        "%s %s -> 500 internal [%s]",
        request.method,
        request.scope["path"],
        request_id,
        exc_info=exc,
    )
    error = {
        "type": "server_error",
        "code": "internal",
        "message": "Unexpected server error",
        "param": None,
        "request_id": request_id,
    }
    headers = {"X-Request-ID": request_id, "X-Should-Retry": "true", "Cache-Control": "no-store"}
    return JSONResponse({"error": error}, 500, headers)


def install(app: FastAPI) -> None:
    """Add the middleware and the handlers."""
    app.add_middleware(RequestIds)
    app.add_exception_handler(ServiceError, service_error)
    app.add_exception_handler(HTTPException, http_exception)
    app.add_exception_handler(RequestValidationError, validation_failed)
    app.add_exception_handler(Exception, unmapped)


def _answer(
    request: Request,
    status: int,
    error: Mapping[str, str | None],
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    error = {**error, "request_id": _request_id.get()}
    logger.info(
        "%s %s -> %d %s: %s [%s]",
        request.method,
        request.scope["path"],
        status,
        error["code"],
        error["message"],
        error["request_id"],
    )
    fixed = {"X-Should-Retry": "false", "Cache-Control": "no-store"}
    return JSONResponse({"error": error}, status, {**headers, **fixed} if headers else fixed)


def _param(path: tuple[str | int, ...]) -> str:
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return "".join(parts).removeprefix(".")
