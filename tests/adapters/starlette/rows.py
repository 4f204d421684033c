"""All the ways by which an error answer leaves a Starlette service, as data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette import __version__

from adapters.starlette.rows_around import AROUND, HANDLERS, MIDDLEWARE, MOUNTED, SOCKETS
from adapters.starlette.rows_views import (
    BODIES,
    FILES_AND_STREAMS,
    HTTP_EXCEPTIONS,
    MORE,
    RETURNED,
    ROUTING,
    UNCAUGHT,
)

if TYPE_CHECKING:
    from adapters.starlette.row import Row

EVERY: tuple[Row, ...] = (
    *UNCAUGHT,
    *HTTP_EXCEPTIONS,
    *RETURNED,
    *FILES_AND_STREAMS,
    *ROUTING,
    *BODIES,
    *MIDDLEWARE,
    *AROUND,
    *HANDLERS,
    *SOCKETS,
    *MOUNTED,
)
_HERE = tuple(int(part) for part in __version__.split(".")[:2])

ROWS: tuple[Row, ...] = tuple(row for row in (*EVERY, *MORE) if row.since <= _HERE)
"""Those that this Starlette has, and a few more."""
