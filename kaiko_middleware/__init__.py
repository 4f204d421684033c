"""kaiko-middleware: one JSON error envelope for every exception and every failure.

This is the core: the typed errors that services raise, and the rules that turn any
exception into an answer of the V2 contract. It knows no framework and does no I/O; the
adapters (`kaiko_asgi`, `kaiko_starlette`, `kaiko_django`, …) build on it.

>>> from kaiko_middleware import NotFoundError, render
>>> class ContextNotFound(NotFoundError, code="context_not_found", param="context_id"):
...     "The context does not exist, or it has expired."
>>> reply = render(ContextNotFound("Context 'ctx_1' has expired"), "req-7f65ab21d1")
>>> reply.status
404
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .catalog import ErrorType
from .config import Config
from .errors import (
    AuthenticationError,
    ConflictError,
    ForbiddenError,
    InvalidRequestError,
    InvalidValueError,
    KaikoError,
    MissingFieldError,
    NotFoundError,
    PayloadTooLargeError,
    RateLimitError,
    ServerError,
    ServiceUnavailableError,
)
from .ids import bind_request_id, current_request_id
from .json_formatter import JsonFormatter
from .map_exception import ExceptionMapping
from .render import Reply, render
from .report import ErrorReport, RequestIdFilter
from .settings_check import ConfigError
from .validation import parse_body, validation_error

if TYPE_CHECKING:
    from .wire import ErrorEnvelope

__all__ = [
    "AuthenticationError",
    "Config",
    "ConfigError",
    "ConflictError",
    "ErrorEnvelope",
    "ErrorReport",
    "ErrorType",
    "ExceptionMapping",
    "ForbiddenError",
    "InvalidRequestError",
    "InvalidValueError",
    "JsonFormatter",
    "KaikoError",
    "MissingFieldError",
    "NotFoundError",
    "PayloadTooLargeError",
    "RateLimitError",
    "Reply",
    "RequestIdFilter",
    "ServerError",
    "ServiceUnavailableError",
    "bind_request_id",
    "current_request_id",
    "parse_body",
    "render",
    "validation_error",
]


def __getattr__(name: str) -> object:
    """Load the wire model, and pydantic with it, when it is first asked for."""
    if name == "ErrorEnvelope":
        from .wire import ErrorEnvelope  # noqa: PLC0415 - pydantic costs 150 ms to import

        return ErrorEnvelope
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
