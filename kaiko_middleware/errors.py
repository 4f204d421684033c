"""The typed errors: what a service raises, and what its clients get back.

    KaikoError
    ├── InvalidRequestError          400
    │   ├── MissingFieldError        400
    │   ├── InvalidValueError        422
    │   └── PayloadTooLargeError     413
    ├── AuthenticationError          401
    ├── ForbiddenError               403
    ├── NotFoundError                404
    ├── ConflictError                409
    ├── RateLimitError               429
    └── ServerError                  500
        └── ServiceUnavailableError  503

A service defines a code as a class; status, type and code are then fixed:

>>> class ContextNotFound(
...     NotFoundError,
...     code="context_not_found",
...     param="context_id",
...     message="The context does not exist, or it has expired",
... ):
...     "Contexts expire after 24 hours."
>>> error = ContextNotFound()
>>> error.status, error.type, error.code, error.param
(404, 'not_found_error', 'context_not_found', 'context_id')
>>> error.message
'The context does not exist, or it has expired'

Implements sections 1 to 4 of the V2 contract.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from .base_error import Category, KaikoError, UpstreamDetails
from .catalog import OWN_CODES
from .error_values import LIMITS, count, invalid_code, seconds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .error_values import Check, Headers

__all__ = [
    "AuthenticationError",
    "Category",
    "ConflictError",
    "ForbiddenError",
    "InvalidRequestError",
    "InvalidValueError",
    "KaikoError",
    "MissingFieldError",
    "NotFoundError",
    "PayloadTooLargeError",
    "RateLimitError",
    "ServerError",
    "ServiceUnavailableError",
    "UpstreamDetails",
]


class InvalidRequestError(KaikoError, status=400):
    """The request is invalid (400)."""


class MissingFieldError(
    InvalidRequestError, code="missing_field", message=OWN_CODES["missing_field"][1]
):
    """A required field is absent (400 `missing_field`).

    Arguments:
        param: the path of the absent field.
        message: the class's by default; where it has none, `The '<param>' field is required`
            (section 7).
        headers: extra response headers.
        retryable: what `X-Should-Retry` says; false by default.

    """

    def __init__(
        self,
        param: str,
        message: str | None = None,
        *,
        headers: Headers | None = None,
        retryable: bool | None = None,
    ) -> None:
        if message is None and type(self).message is MissingFieldError.message:
            message = f"The '{param}' field is required"
        super().__init__(message, param=param, headers=headers, retryable=retryable)


class InvalidValueError(InvalidRequestError, status=422):
    """A field has an invalid value (422); the code is `invalid_<leaf of param>` by default."""

    def __init__(
        self,
        message: str | None = None,
        *,
        code: str | None = None,
        param: str | None = None,
        headers: Headers | None = None,
        retryable: bool | None = None,
    ) -> None:
        super().__init__(message, code=code, param=param, headers=headers, retryable=retryable)
        if code is None and not self._fixed:
            self.code: str = invalid_code(self.param)


class PayloadTooLargeError(InvalidRequestError, status=413):
    """The request body is too large (413)."""


class AuthenticationError(KaikoError, status=401):
    """Missing or invalid API key (401)."""


class ForbiddenError(KaikoError, status=403):
    """The API key does not permit this (403)."""


class NotFoundError(KaikoError, status=404):
    """The resource was not found (404)."""


class ConflictError(KaikoError, status=409):
    """The request conflicts with the state of the resource (409)."""


class RateLimitError(KaikoError, status=429):
    """There are too many requests (429).

    Arguments:
        message: what a person is told; the class's by default.
        code: another code than `too_many_requests`.
        param: the parameter to blame; None by default.
        headers: extra response headers.
        retryable: what `X-Should-Retry` says; true by default.
        retry_after: seconds until the next request is let through, sent rounded up.
        limit: requests that the window allows (`X-RateLimit-Limit`).
        remaining: requests left in it (`X-RateLimit-Remaining`).
        reset: seconds until the window is full again (`X-RateLimit-Reset`), rounded up.

    """

    limit: int | None = None
    remaining: int | None = None
    reset: float | None = None

    _numbers: ClassVar[Mapping[str, Check]] = LIMITS

    def __init__(
        self,
        message: str | None = None,
        *,
        code: str | None = None,
        param: str | None = None,
        headers: Headers | None = None,
        retryable: bool | None = None,
        retry_after: float | None = None,
        limit: int | None = None,
        remaining: int | None = None,
        reset: float | None = None,
    ) -> None:
        super().__init__(message, code=code, param=param, headers=headers, retryable=retryable)
        if retry_after is not None:
            self.retry_after: float | None = seconds("retry_after", retry_after)
        if limit is not None:
            self.limit = count("limit", limit)
        if remaining is not None:
            self.remaining = count("remaining", remaining)
        if reset is not None:
            self.reset = seconds("reset", reset)


class ServerError(KaikoError, status=500):
    """Unexpected server error (500)."""


class ServiceUnavailableError(ServerError, status=503):
    """The service is temporarily unavailable (503).

    Arguments:
        message: what a person is told; the class's by default.
        code: another code than `service_unavailable`.
        param: the parameter to blame; None by default.
        headers: extra response headers.
        retryable: what `X-Should-Retry` says; true by default.
        retry_after: seconds until a retry makes sense, sent rounded up.

    """

    def __init__(
        self,
        message: str | None = None,
        *,
        code: str | None = None,
        param: str | None = None,
        headers: Headers | None = None,
        retryable: bool | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, code=code, param=param, headers=headers, retryable=retryable)
        if retry_after is not None:
            self.retry_after: float | None = seconds("retry_after", retry_after)
