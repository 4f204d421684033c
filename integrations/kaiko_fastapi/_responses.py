"""`responses(...)`: what a route's errors look like, for FastAPI's `responses=`.

An entry has the envelope's schema, the headers of section 4 of the contract, and one
example for each code; several codes on one status share an entry.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from kaiko_middleware import ErrorEnvelope, KaikoError, MissingFieldError, render
from kaiko_middleware.catalog import STATUSES, known_codes
from kaiko_middleware.errors import error_for_status

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["ID_HEADER", "JSON", "entry", "examples", "responses"]

ID_HEADER = "X-Request-ID"
"""What the id header is called unless the configuration calls it otherwise."""
JSON = "application/json"
"""The content type of an envelope, whatever the route's own is."""

_EXAMPLE_ID = "req-7f65ab21d1"
_TEXT = {"type": "string"}
_COUNT = {"type": "integer", "minimum": 0}


def _header(description: str, schema: dict[str, Any], *, required: bool) -> dict[str, Any]:
    return {"description": description, "required": required, "schema": schema}


_ALWAYS = {
    ID_HEADER: _header(
        "The id of the request, the same as in the body; support can find it.",
        _TEXT,
        required=True,
    ),
    "X-Should-Retry": _header(
        "Whether the request may be sent again.",
        {"type": "string", "enum": ["true", "false"]},
        required=True,
    ),
}
_RETRY_AFTER = {
    "Retry-After": _header("Seconds to wait before the next try.", _COUNT, required=False)
}
_BY_STATUS: dict[int, dict[str, Any]] = {
    401: {"WWW-Authenticate": _header("How to authenticate.", _TEXT, required=True)},
    429: {
        **_RETRY_AFTER,
        "X-RateLimit-Limit": _header("Requests that the window allows.", _COUNT, required=False),
        "X-RateLimit-Remaining": _header("Requests that are left in it.", _COUNT, required=False),
        "X-RateLimit-Reset": _header(
            "Seconds until the window is full again.", _COUNT, required=False
        ),
    },
    503: _RETRY_AFTER,
}


def responses(*classes: type[KaikoError]) -> dict[int | str, dict[str, Any]]:
    """Return the `responses=` of a route, a router or an application that raises `classes`.

    Arguments:
        classes: classes of typed errors, the toolkit's or the service's own.

    Raises:
        TypeError: something else is given.

    >>> from kaiko_middleware import ConflictError, NotFoundError
    >>> documented = responses(NotFoundError, ConflictError)
    >>> sorted(documented)
    [404, 409]
    >>> list(documented[409]["content"]["application/json"]["examples"])
    ['conflict']
    """
    meanings = {(known.status, known.code): known.meaning for known in known_codes()}
    by_status: dict[int, list[KaikoError]] = {}
    for cls in classes:
        _require_class(cls)
        error = _example_of(cls)
        if not issubclass(cls, MissingFieldError):
            error.message = meanings.get((error.status, error.code), error.message)
        by_status.setdefault(error.status, []).append(error)
    return {
        status: {"model": ErrorEnvelope, **entry(status, errors)}
        for status, errors in sorted(by_status.items())
    }


def _require_class(given: object) -> None:
    if not isinstance(given, type) or not issubclass(given, KaikoError):
        msg = f"responses() takes classes of KaikoError, not {given!r}"
        raise TypeError(msg)


def entry(status: int, errors: Iterable[KaikoError]) -> dict[str, Any]:
    """Return an OpenAPI response object for `status`, without its schema."""
    return {
        "description": STATUSES[status].message,
        "headers": {**_ALWAYS, **_BY_STATUS.get(status, {})},
        "content": {JSON: {"examples": examples(errors)}},
    }


def examples(errors: Iterable[KaikoError]) -> dict[str, Any]:
    """Return OpenAPI example objects, one a code: what is sent for each of `errors`."""
    return {
        error.code: {
            "summary": error.message,
            "value": json.loads(render(error, _EXAMPLE_ID).body),
        }
        for error in errors
    }


def _example_of(cls: type[KaikoError]) -> KaikoError:
    """Return what is answered when `cls` is raised without arguments."""
    try:
        return cls("messages") if issubclass(cls, MissingFieldError) else cls()
    except TypeError:  # a class of the service that needs arguments of its own
        return error_for_status(cls.status, code=cls.code, param=cls.param, retryable=cls.retryable)
