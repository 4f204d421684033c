"""What a careful team writes itself for the contract's answers on Django, on WSGI."""

from __future__ import annotations

import logging
import secrets
from contextvars import ContextVar
from typing import TYPE_CHECKING

from django.http import JsonResponse

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest
    from django.http.response import HttpResponseBase

logger = logging.getLogger("bench.service")
_request_id: ContextVar[str] = ContextVar("request_id", default="")


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


class Middleware:
    """Gives each request an id, its answer the header, and answers the service's own error."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Serve one request."""
        request_id = f"req-{secrets.token_hex(5)}"
        token = _request_id.set(request_id)
        try:
            response = self.get_response(request)
        finally:
            _request_id.reset(token)
        response["X-Request-ID"] = request_id
        return response

    def process_exception(self, request: HttpRequest, exc: Exception) -> JsonResponse | None:
        """Answer the service's own error; any other is Django's."""
        if not isinstance(exc, ServiceError):
            return None
        request_id = _request_id.get()
        message = str(exc)
        logger.info(
            "%s %s -> %d %s: %s [%s]",
            request.method,
            request.path,
            exc.status,
            exc.code,
            message,
            request_id,
        )
        error = {
            "type": exc.kind,
            "code": exc.code,
            "message": message,
            "param": exc.param,
            "request_id": request_id,
        }
        headers = {"X-Should-Retry": "false", "Cache-Control": "no-store"}
        return JsonResponse({"error": error}, status=exc.status, headers=headers)
