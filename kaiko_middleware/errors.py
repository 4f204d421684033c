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

>>> class ContextNotFound(NotFoundError, code="context_not_found", param="context_id"):
...     "The context does not exist, or it has expired."
>>> error = ContextNotFound("Context 'ctx_1' has expired")
>>> error.status, error.type, error.code, error.param
(404, 'not_found_error', 'context_not_found', 'context_id')

Implements sections 1 to 4 of the V2 contract.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Literal, NamedTuple, cast

from ._text import is_code
from .catalog import OWN_CODES, STATUSES, status_entry
from .codes import RegisteredCode, find_class, register_class

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .catalog import ErrorType

    Headers = Mapping[str, str] | Iterable[tuple[str, str]]

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
    "error_for_code",
    "error_for_status",
    "error_from_wire",
    "unraised",
]

Category = Literal["throttled", "account", "unavailable", "rejected", "broken"]
"""Whose fault an upstream's failure is, and so what it becomes (section 10)."""


class UpstreamDetails(NamedTuple):
    """What an upstream said; it goes to the log record and the hooks, never into an answer.

    `status` is None where no answer came; `request_id` the upstream's own; `excerpt` the
    start of what it said, redacted, on one line and cut; `processed` whether the request
    may have been acted on.
    """

    name: str
    category: Category
    status: int | None
    request_id: str | None
    excerpt: str
    processed: bool


class KaikoError(Exception):
    """The base of all typed errors; raised as itself it is a 500 `internal`.

    Arguments:
        message: what a person is told, cut to 1,024 characters when sent; the row's
            meaning by default.
        code: `[a-z][a-z0-9_]{0,63}`; on row classes only, since a class with a code of
            its own has fixed it.
        param: the parameter to blame, as a path like `messages[0].role`; None by default.
        headers: extra response headers, as a mapping or as pairs.
        retryable: what `X-Should-Retry` says; the row's by default.

    Raises:
        TypeError: `code` is given to a class whose code is fixed.
        ValueError: `code` does not match the pattern.

    """

    status: int = 500
    """The HTTP status that is answered."""
    type: ErrorType = "server_error"
    """One of the seven types of the contract."""
    code: str = "internal"
    """The machine-readable reason."""
    param: str | None = None
    """The parameter to blame, or None."""
    retryable: bool = True
    """Whether the client may send the request again."""
    retry_after: float | None = None
    """Seconds until a retry makes sense, or None where unknown."""
    message: str
    """What a person is told."""
    headers: tuple[tuple[str, str], ...] = ()
    """Extra response headers."""
    upstream: UpstreamDetails | None = None
    """What an upstream said to cause this error: for the log, never sent."""
    protocol: str | None = None
    """The protocol whose own error answer was kept in place of an envelope: for the log."""

    _fixed: ClassVar[bool] = False

    def __init_subclass__(
        cls,
        *,
        code: str | None = None,
        status: int | None = None,
        param: str | None = None,
        retryable: bool | None = None,
    ) -> None:
        """Define a service's own code.

        Arguments:
            code: the code, fixed for the class and entered into the catalogue.
            status: another status than the base's, of the same type (`410` under
                `NotFoundError`, say).
            param: the parameter to blame unless the raise site names another.
            retryable: what `X-Should-Retry` says; the status's by default.

        Raises:
            TypeError: the code does not match the pattern, or the status is unknown or
                of another type than the base.

        """
        super().__init_subclass__()
        body = cls.__dict__
        # What the class's body sets counts as if it were given by keyword.
        if code is None and isinstance(body.get("code"), str):
            code = cls.code
        if status is None and isinstance(body.get("status"), int):
            status = cls.status
        if code is not None and not is_code(code):
            msg = f"{cls.__name__}: code {code!r} does not match [a-z][a-z0-9_]{{0,63}}"
            raise TypeError(msg)
        if status is not None:
            if code is None and cls._fixed:
                code = cls.code
            cls._take_status(status)
        if "type" in body and body["type"] != STATUSES[cls.status].type:
            msg = f"{cls.__name__}: type {cls.type!r} is not that of status {cls.status}"
            raise TypeError(msg)
        if param is not None:
            cls.param = param
        if retryable is not None:
            cls.retryable = retryable
        if code is not None:
            cls.code = code
            cls._fixed = True
            doc: str = cls.__dict__.get("__doc__") or ""
            description = doc.strip().partition("\n")[0].strip()
            register_class(RegisteredCode(cls, code, cls.status, cls.retryable, description))

    @classmethod
    def _take_status(cls, status: int) -> None:
        entry = STATUSES.get(status)
        if entry is None or entry.status != status:
            msg = f"{cls.__name__}: status {status!r} is none that the contract answers with"
            raise TypeError(msg)
        # Only KaikoError itself has no type, so its children choose one.
        if KaikoError not in cls.__bases__ and entry.type != cls.type:
            types = f"is {_with_article(entry.type)}, its base {_with_article(cls.type)}"
            msg = f"{cls.__name__}: status {status} {types}"
            raise TypeError(msg)
        cls.status = status
        cls.type = entry.type
        cls.code = entry.code
        cls.retryable = entry.retryable

    def __init__(
        self,
        message: str | None = None,
        *,
        code: str | None = None,
        param: str | None = None,
        headers: Headers | None = None,
        retryable: bool | None = None,
    ) -> None:
        self.message = message = STATUSES[self.status].message if message is None else message
        super().__init__(message)
        if code is not None:
            if self._fixed:
                msg = f"{type(self).__name__} has the fixed code {self.code!r}"
                raise TypeError(msg)
            if not is_code(code):
                msg = f"code {code!r} does not match [a-z][a-z0-9_]{{0,63}}"
                raise ValueError(msg)
            self.code = code
        if param is not None:
            self.param = param
        if retryable is not None:
            self.retryable = retryable
        if headers is not None:
            if isinstance(headers, Mapping):
                headers = cast("Mapping[str, str]", headers).items()
            self.headers = tuple((name, value) for name, value in headers)

    def __reduce__(self) -> tuple[object, ...]:
        """Make every subclass picklable and copyable, whatever its `__init__` takes."""
        return _restore, (self.__class__, self.args, self.__dict__.copy())


def _restore(
    cls: type[KaikoError], args: tuple[object, ...], state: dict[str, object]
) -> KaikoError:
    error = cls.__new__(cls, *args)
    error.__dict__.update(state)
    return error


def unraised(error: KaikoError) -> KaikoError:
    """Return a copy of `error` that was never raised, without a call of its `__init__`."""
    cls = type(error)
    made = cls.__new__(cls, *error.args)
    made.__dict__.update(error.__dict__)
    return made


def _with_article(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeio' else 'a'} {noun}"


class InvalidRequestError(KaikoError, status=400):
    """Invalid request body or parameters (400)."""


class MissingFieldError(InvalidRequestError, code="missing_field"):
    """A required field is absent (400 `missing_field`).

    Arguments:
        param: the path of the absent field.
        message: `The '<param>' field is required` by default (section 7).
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
        super().__init__(
            f"The '{param}' field is required" if message is None else message,
            param=param,
            headers=headers,
            retryable=retryable,
        )


class InvalidValueError(InvalidRequestError, status=422):
    """Invalid value for a field (422); the code is `invalid_<leaf of param>` by default."""

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
    """The request body exceeds the size limit (413)."""


class AuthenticationError(KaikoError, status=401):
    """Missing or invalid API key (401)."""


class ForbiddenError(KaikoError, status=403):
    """The API key is revoked or has insufficient permissions (403)."""


class NotFoundError(KaikoError, status=404):
    """The resource was not found, or the context has expired (404)."""


class ConflictError(KaikoError, status=409):
    """The request conflicts with the state of the resource (409)."""


class RateLimitError(KaikoError, status=429):
    """The rate limit is exceeded (429).

    Arguments:
        message: what a person is told; the row's meaning by default.
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
        self.retry_after = retry_after
        self.limit = limit
        self.remaining = remaining
        self.reset = reset


class ServerError(KaikoError, status=500):
    """Unexpected server error (500)."""


class ServiceUnavailableError(ServerError, status=503):
    """The service is temporarily unavailable (503).

    Arguments:
        message: what a person is told; the row's meaning by default.
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
        self.retry_after = retry_after


_BY_TYPE: dict[ErrorType, type[KaikoError]] = {
    cls.type: cls
    for cls in (
        InvalidRequestError,
        AuthenticationError,
        ForbiddenError,
        NotFoundError,
        ConflictError,
        RateLimitError,
        ServerError,
    )
}
_BY_STATUS: dict[int, type[KaikoError]] = {
    413: PayloadTooLargeError,
    422: InvalidValueError,
    503: ServiceUnavailableError,
}


def error_for_status(
    status: int,
    message: str | None = None,
    *,
    code: str | None = None,
    param: str | None = None,
    headers: Headers | None = None,
    retryable: bool | None = None,
) -> KaikoError:
    """Return the error for an answer with `status`, by sections 2 and 3.

    Arguments:
        status: any status; one that is no error status (below 400, above 599) is a 500.
        message: what a person is told; the status's fixed text by default.
        code: another code than the status's.
        param: the parameter to blame; None by default.
        headers: extra response headers.
        retryable: what `X-Should-Retry` says; the status's by default.

    """
    entry = STATUSES.get(status) or status_entry(status)
    cls = _BY_STATUS.get(entry.status, _BY_TYPE[entry.type])
    error = cls(
        entry.message if message is None else message,
        code=code,
        param=param,
        headers=headers,
        retryable=entry.retryable if retryable is None else retryable,
    )
    error.status = entry.status
    if code is None:
        error.code = entry.code
    return error


def error_for_code(code: str, param: str | None = None) -> KaikoError:
    """Return the error for one of the toolkit's own codes (`catalog.OWN_CODES`)."""
    status, message, _ = OWN_CODES[code]
    return error_for_status(status, message, code=code, param=param)


def error_from_wire(
    status: int,
    code: str,
    message: str,
    *,
    param: str | None = None,
    retryable: bool | None = None,
    retry_after: float | None = None,
) -> KaikoError:
    """Return the error that a V2 answer was rendered from: the client's half of the contract.

    It has the very class that the server raised where this process defines one for the
    code, and the row's class otherwise.

    Arguments:
        status: the answer's status, one that the contract answers with.
        code: its code.
        message: its message.
        param: its param.
        retryable: its `X-Should-Retry`; the class's by default.
        retry_after: its `Retry-After`, in seconds.

    """
    cls = find_class(code, status, KaikoError)
    if cls is None:
        error = error_for_status(status, message, code=code, param=param, retryable=retryable)
    else:
        # Not by its __init__, which may take whatever the service needs at its raise sites.
        state: dict[str, object] = {"message": message, "param": param}
        if retryable is not None:
            state["retryable"] = retryable
        error = _restore(cls, (message,), state)
    if retry_after is not None:
        error.retry_after = retry_after
    return error


def invalid_code(param: str | None) -> str:
    """Return `invalid_<leaf>` for the path `param`, or `invalid_value` where it has no fit leaf."""
    if param:
        leaf = param.rpartition(".")[2].partition("[")[0]
        code = f"invalid_{leaf}"
        if leaf and is_code(code):
            return code
    return "invalid_value"


_LONGEST = 2**31 - 1  # seconds, 68 years: what any client can hold


def whole_seconds(value: float | None) -> str | None:
    """Return `value` seconds rounded up as a header value; None where it says nothing."""
    if isinstance(value, int | float) and 0 <= value < math.inf:
        return str(math.ceil(min(value, _LONGEST)))
    return None
