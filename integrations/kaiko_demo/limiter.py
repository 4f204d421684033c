"""How many requests a key may make: a fixed window of one minute, kept in memory.

Small on purpose. What matters to the contract is what it says when the window is used up:
`Retry-After` and the three `X-RateLimit-*` headers, and the same three on success, so
that a client can slow down before it is told to.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta
from threading import Lock
from typing import TYPE_CHECKING

from kaiko_middleware import RateLimitError

if TYPE_CHECKING:
    from datetime import datetime

    from kaiko_demo.clock import Clock

__all__ = ["FixedWindowLimiter", "Quota"]


@dataclass(frozen=True, slots=True)
class Quota:
    """What is left of a limit.

    Arguments:
        limit: Requests a window allows.
        remaining: Requests that are left in this one.
        reset: Seconds until the next one starts, rounded up.
    """

    limit: int
    remaining: int
    reset: int

    def headers(self) -> dict[str, str]:
        """As a success answer carries it."""
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": str(self.reset),
        }


@dataclass(slots=True)
class _Window:
    ends: datetime
    used: int = 0


class FixedWindowLimiter:
    """Counts requests per subject in windows that start with the first request.

    Arguments:
        clock: What time it is.
        window: How long a window lasts.
    """

    def __init__(self, clock: Clock, *, window: timedelta = timedelta(minutes=1)) -> None:
        self._clock = clock
        self._length = window
        self._windows: dict[str, _Window] = {}
        self._lock = Lock()

    def take(self, subject: str, limit: int) -> Quota:
        """Count one request of `subject`, which may make `limit` in a window.

        Raises:
            RateLimitError: 429 where the window is used up, saying when to come back.
        """
        now = self._clock()
        with self._lock:
            window = self._windows.get(subject)
            if window is None or window.ends <= now:
                window = self._windows[subject] = _Window(now + self._length)
            reset = math.ceil((window.ends - now).total_seconds())
            if window.used >= limit:
                raise RateLimitError(
                    f"The limit of {limit} requests a minute is used up",
                    retry_after=reset,
                    limit=limit,
                    remaining=0,
                    reset=reset,
                )
            window.used += 1
            return Quota(limit, limit - window.used, reset)
