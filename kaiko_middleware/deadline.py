"""How much time the current request has left: what a guard sets, and views and clients ask."""

from __future__ import annotations

import time
from contextvars import ContextVar

__all__ = ["DEADLINE_HEADER", "deadline", "ends_at"]

DEADLINE_HEADER = "X-Request-Deadline"
"""The request header by which a caller says how many seconds it waits."""
ends_at: ContextVar[float | None] = ContextVar("kaiko_deadline", default=None)
"""The time of `time.monotonic` at which the current request is over; None for no deadline."""


def deadline() -> float | None:
    """Return the seconds that the current request has left, never below 0; None for no deadline.

    Work that takes longer is in vain: its answer reaches nobody.
    """
    end = ends_at.get()
    return None if end is None else max(0.0, end - time.monotonic())
