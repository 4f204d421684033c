"""One timer for all requests of an event loop that may take equally long.

Nearly every request ends long before its deadline. A timer of its own, made and cancelled, would be
the most expensive part of the guard.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, TimerHandle
    from collections.abc import Container

__all__ = ["OwnTimer", "Timers", "TimersByLength"]


class _Late(Protocol):
    """What is told that its time is over."""

    def expire(self) -> None:
        """Be late."""
        ...


class Timers:
    """Deadlines of one length; the earliest is always the one that was added first.

    Arguments:
        loop: asyncio's event loop.
        seconds: how long each may take.

    """

    def __init__(self, loop: AbstractEventLoop, seconds: float) -> None:
        self.loop: AbstractEventLoop = loop
        self._seconds = seconds
        self._ends: dict[_Late, float] = {}
        self._is_set = False
        # It is for asyncio's own loops, whose method would be called for nothing.
        self._is_monotonic = type(loop).time is sys.modules["asyncio"].BaseEventLoop.time

    def add(self, late: _Late, now: float) -> None:
        """Have `late` told in time; `now` is the time of `time.monotonic`."""
        if not self._is_monotonic:
            now = self.loop.time()
        self._ends[late] = end = now + self._seconds
        if not self._is_set:
            self._set(end)

    def drop(self, late: _Late) -> None:
        """Have it told no more."""
        self._ends.pop(late, None)

    def _set(self, end: float) -> None:
        self._is_set = True
        self.loop.call_at(end, self._look)

    def _look(self) -> None:
        self._is_set = False
        now = self.loop.time()
        while self._ends:
            late = next(iter(self._ends))
            end = self._ends[late]
            if end > now:
                self._set(end)
                return
            del self._ends[late]
            late.expire()


class OwnTimer:
    """The deadline of one request, of a length that no other one has.

    Arguments:
        loop: asyncio's event loop.
        seconds: how long it may take.

    """

    _timer: TimerHandle

    def __init__(self, loop: AbstractEventLoop, seconds: float) -> None:
        self.loop: AbstractEventLoop = loop
        self._seconds = seconds

    def add(self, late: _Late, _now: float) -> None:
        """Have `late` told in time."""
        self._timer = self.loop.call_later(self._seconds, late.expire)

    def drop(self, _late: _Late) -> None:
        """Have it told no more."""
        self._timer.cancel()


class TimersByLength:
    """The timers for each of some lengths.

    Arguments:
        lengths: seconds.

    """

    def __init__(self, lengths: Container[float | None] = ()) -> None:
        self._lengths = lengths
        self._timers: dict[float, Timers] = {}

    def find(self, loop: AbstractEventLoop, seconds: float) -> Timers | OwnTimer:
        """Return what ends a request of an event loop after `seconds`."""
        found = self._timers.get(seconds)
        if found is not None and found.loop is loop:
            return found
        if seconds not in self._lengths:  # a caller's wish
            return OwnTimer(loop, seconds)
        # One loop is the rule. What was there goes on for its own requests.
        found = self._timers[seconds] = Timers(loop, seconds)
        return found
