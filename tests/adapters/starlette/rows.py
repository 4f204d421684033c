"""All the ways by which an error answer leaves a Starlette service, as data."""

from __future__ import annotations

from inspect import signature
from typing import TYPE_CHECKING

from starlette.applications import Starlette

from adapters.starlette.rows_around import AROUND, HANDLERS, MIDDLEWARE, MOUNTED, SOCKETS
from adapters.starlette.rows_views import (
    BODIES,
    FILES_AND_STREAMS,
    HTTP_EXCEPTIONS,
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
_LIMITS = "max_body_size" in signature(Starlette).parameters

ROWS: tuple[Row, ...] = tuple(
    row for row in EVERY if _LIMITS or not row.name.startswith("body-limit/")
)
"""Those that this Starlette has: body limits came in 1.x."""
