"""A rate limit for each key: a fixed window of one minute, in memory.

It is small on purpose. The contract needs its headers: `Retry-After` and the three
`X-RateLimit-*` when the window is used up, and the same three on success, so a client can slow
down in time.
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
        limit: Requests allowed in a window.
        remaining: Requests left in this window.
        reset: Seconds until the next window starts, rounded up.
    """

    limit: int
    remaining: int
    reset: int

    def headers(self) -> dict[str, str]:
        """Return the headers of a success."""
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
        clock: Returns the time.
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
            RateLimitError: 429 if the window is used up, with the time to wait.
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
