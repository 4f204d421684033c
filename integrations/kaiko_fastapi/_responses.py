"""`responses(...)`: a route's errors, for FastAPI's `responses=`.

An entry has the envelope's schema, the headers of section 4 of the contract, and one example for
each code. Codes with the same status share an entry.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kaiko_middleware import ErrorEnvelope
from kaiko_middleware.catalog import STATUSES
from kaiko_middleware.openapi import errors_of, examples, headers_of

if TYPE_CHECKING:
    from kaiko_middleware import KaikoError

__all__ = ["ID_HEADER", "JSON", "responses"]

ID_HEADER = "X-Request-ID"
"""The default name of the id header."""
JSON = "application/json"
"""The content type of an envelope, whatever the route's own type."""


def responses(*classes: type[KaikoError]) -> dict[int | str, dict[str, Any]]:
    """Return the `responses=` of a route, a router or an application that raises `classes`.

    Arguments:
        classes: classes of typed errors, the toolkit's or the service's own.

    Raises:
        TypeError: an argument is something else.

    >>> from kaiko_middleware import ConflictError, NotFoundError
    >>> documented = responses(NotFoundError, ConflictError)
    >>> sorted(documented)
    [404, 409]
    >>> list(documented[409]["content"]["application/json"]["examples"])
    ['conflict']
    """
    return {
        status: {
            "model": ErrorEnvelope,
            "description": STATUSES[status].message,
            "headers": headers_of(status, ID_HEADER),
            "content": {JSON: {"examples": examples(errors)}},
        }
        for status, errors in errors_of(*classes).items()
    }
