"""What time it is, as a value that is handed in.

Expiry and rate limits ask a clock that their maker chose, so a test moves time by hand
and the comparison of the stacks runs in one instant: `Retry-After` is then the same
number of seconds on each of them.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeAlias

__all__ = ["Clock", "frozen", "utc_now"]

Clock: TypeAlias = Callable[[], datetime]


def utc_now() -> datetime:
    """The present, aware of being UTC."""
    return datetime.now(UTC)


def frozen(at: datetime) -> Clock:
    """A clock that always says `at`."""

    def clock() -> datetime:
        return at

    return clock
