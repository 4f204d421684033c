"""Makes a typed error from what others say: a status, a code, a V2 answer, a class.

Implements sections 2 and 3 of the V2 contract.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, TypeVar, cast

from .base_error import restore_error
from .catalog import OWN_CODES, STATUSES, status_entry
from .codes import find_class
from .error_values import text_of
from .errors import (
    AuthenticationError,
    ConflictError,
    ForbiddenError,
    InvalidRequestError,
    InvalidValueError,
    KaikoError,
    NotFoundError,
    PayloadTooLargeError,
    RateLimitError,
    ServerError,
    ServiceUnavailableError,
)

if TYPE_CHECKING:
    from .catalog import ErrorType

__all__ = [
    "error_for_code",
    "error_for_status",
    "error_from_class",
    "error_from_wire",
    "unraised",
    "with_headers",
]

_E = TypeVar("_E", bound=KaikoError)

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
    headers: Mapping[str, str] | Iterable[tuple[str, str]] | None = None,
    retryable: bool | None = None,
) -> KaikoError:
    """Return the error for an answer with `status`, by sections 2 and 3.

    Arguments:
        status: any status; one that is no error status (below 400, above 599) is a 500.
        message: what a person is told; the status's fixed text by default.
        code: another code than the status's; one that is none is not sent.
        param: the parameter to blame; None by default.
        headers: extra response headers, which may be another library's: what is none is
            dropped when it is sent, and logged.
        retryable: what `X-Should-Retry` says; the status's by default.

    """
    entry = STATUSES.get(status) or status_entry(status)
    cls = _BY_STATUS.get(entry.status, _BY_TYPE[entry.type])
    text = entry.message if message is None else message
    state: dict[str, object] = {
        "message": text,
        "status": entry.status,
        "code": entry.code if code is None else code,
        "param": param,
        "retryable": entry.retryable if retryable is None else retryable,
    }
    if headers is not None:
        state["headers"] = _pairs(headers)
    return restore_error(cls, (text,), state)


def with_headers(error: _E, headers: Mapping[str, str] | Iterable[tuple[str, str]] | None) -> _E:
    """Add response headers to an error that nobody else has, and return it.

    Arguments:
        error: the error.
        headers: as of `error_for_status`.

    """
    if headers is not None:
        error.headers += _pairs(headers)
    return error


def _pairs(
    headers: Mapping[str, str] | Iterable[tuple[str, str]],
) -> tuple[tuple[str, str], ...]:
    if isinstance(headers, Mapping):
        headers = cast("Mapping[str, str]", headers).items()  # not pairs, as was asked
    return tuple((name, value) for name, value in headers)


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
        error = restore_error(cls, (message,), state)
    if retry_after is not None:
        error.retry_after = retry_after
    return error


def error_from_class(cls: type[_E]) -> _E:
    """Return an error of `cls` with its default message, without a call of its `__init__`."""
    message = text_of(cls.message, cls.status)
    return restore_error(cls, (message,), {"message": message})


def unraised(error: _E) -> _E:
    """Return a copy of `error` that was never raised, without a call of its `__init__`."""
    return restore_error(type(error), error.args, error.__dict__)
