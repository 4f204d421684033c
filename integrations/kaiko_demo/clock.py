"""The time, as a value that is passed in.

Expiry and rate limits use a given clock. A test can move time by hand, and the comparison of
the stacks runs at one instant, so `Retry-After` is the same on each of them.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Clock", "frozen", "told_by", "utc_now"]

Clock: TypeAlias = Callable[[], datetime]


def utc_now() -> datetime:
    """Return the current time, with UTC as its time zone."""
    return datetime.now(UTC)


def frozen(at: datetime) -> Clock:
    """Return a clock that always returns `at`."""

    def clock() -> datetime:
        return at

    return clock


def told_by(file: Path) -> Clock:
    """Return a clock that returns the moment in `file`, so that processes share one time.

    Arguments:
        file: Holds the moment (ISO 8601, with its time zone). It is replaced as a whole.
    """

    def clock() -> datetime:
        return datetime.fromisoformat(file.read_text(encoding="ascii")).astimezone(UTC)

    return clock
