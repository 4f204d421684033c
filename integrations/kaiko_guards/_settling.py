"""Counts that a process keeps by itself, and settles with a server every so often.

No request waits for the server: it is counted in memory, by what this process knows. After each
interval the process charges the server with what it let through, and learns what the others did.
On asyncio a task does that, started by a timer. Elsewhere the request that finds the interval over
does, once it has been counted: a thread of our own would be lost when a server forks, and would
run where nothing is to be done.

A batch that fails is sent again with the same number, which the server counts once. What the rate
has given back in the meantime is charged no more.
"""

from __future__ import annotations

import os
import secrets
import time
from contextvars import Context
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple

from kaiko_guards._loops import ByLoop
from kaiko_guards._storages import Batch, Charge

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Task, TimerHandle
    from collections.abc import Callable, Sequence

    from kaiko_guards._limits import Count
    from kaiko_guards._memory import Key, MemoryCounter
    from kaiko_guards._shared import SharedCounter

__all__ = ["Settler"]

_ROOM = 10_000
"""Keys that are due until it is looked which of them still are."""
_MOST = 500
"""Keys of one batch: a server serves nobody else while it counts them."""


class _Due(NamedTuple):
    """What a key is to be charged, in seconds of each rate, and where it is counted meanwhile."""

    memory: MemoryCounter
    charge: Charge


class Settler:
    """Settles what a process counted with a server.

    Arguments:
        shared: the server.
        every: seconds between two times.
        clock: seconds of a clock that never goes back.

    """

    def __init__(
        self,
        shared: SharedCounter,
        every: float,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.shared: SharedCounter = shared
        self._every = every
        self._clock = clock
        self._next_at = clock()
        self._lock = Lock()
        self._busy = Lock()
        self._due: dict[Key, _Due] = {}
        self._room = _ROOM
        self._sent: tuple[Batch, Sequence[_Due]] | None = None
        """What may or may not have arrived."""
        self._timers: ByLoop[TimerHandle] = ByLoop()
        self._tasks: set[Task[None]] = set()
        self._begin()

    def _begin(self) -> None:
        self._process = os.getpid()
        self._writer = secrets.token_hex(8)
        self._number = 0

    def note(self, memory: MemoryCounter, count: Count) -> None:
        """Take note that a request was counted in memory, and is to be settled."""
        seconds = [rate.charge(count.cost) for rate in count.rates]
        with self._lock:
            if len(self._due) >= self._room:
                self._forget()
            due = self._due.get(count.key)
            if due is not None:
                seconds = [a + b for a, b in zip(due.charge.seconds, seconds, strict=True)]
            self._due[count.key] = _Due(memory, Charge(str(count.key), count.rates, seconds))

    def _forget(self) -> None:
        """Keep no more of a flood, while the server is gone, than what the memory itself keeps."""
        owed = {key: due for key, each in self._due.items() if (due := _owed(each)) is not None}
        self._due = owed
        self._room = max(_ROOM, 2 * len(owed))

    def settle_if_due(self) -> None:
        """Settle where the interval is over; wait for the server no longer than one may."""
        if self._clock() < self._next_at or not self._busy.acquire(blocking=False):
            return
        try:
            ends = time.monotonic() + self.shared.timeout
            while (sent := self._cut()) is not None:
                told = self.shared.settle(sent[0])
                if not self._learn(sent, told) or time.monotonic() > ends:
                    break
        finally:
            self._next_at = self._clock() + self._every
            self._busy.release()

    def settle_soon(self, loop: AbstractEventLoop) -> None:
        """Have the event loop settle when the interval is over."""
        if loop not in self._timers:
            # In a context of its own: it belongs to no request.
            timer = loop.call_later(self._every, self._start, loop, context=Context())
            self._timers.add(loop, timer)

    def _start(self, loop: AbstractEventLoop) -> None:
        self._timers.pop(loop, None)
        task = loop.create_task(self._settle(loop), context=Context())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _settle(self, loop: AbstractEventLoop) -> None:
        if self._busy.acquire(blocking=False):
            try:
                while (sent := self._cut()) is not None:
                    told = await self.shared.settle_async(sent[0], loop)
                    if not self._learn(sent, told):
                        break
            finally:
                self._busy.release()
        if self._due or self._sent is not None:
            self.settle_soon(loop)

    async def close(self, loop: Any) -> None:
        """Settle what is due when an event loop ends."""
        timer = self._timers.pop(loop, None)
        if timer is not None:
            timer.cancel()
        await self._settle(loop)
        timer = self._timers.pop(loop, None)
        if timer is not None:
            timer.cancel()

    def _cut(self) -> tuple[Batch, Sequence[_Due]] | None:
        """Return what is to be sent next: first what may not have arrived."""
        with self._lock:
            if self._process != os.getpid():  # what was due then is the parent's to settle
                self._due.clear()
                self._sent = None
                self._begin()
            sent = self._sent
            while True:
                if sent is None:
                    keys = list(self._due)[:_MOST]
                    if not keys:
                        return None
                    due = [self._due.pop(key) for key in keys]
                    self._number += 1
                    number = self._number
                else:
                    due, number = list(sent[1]), sent[0].number
                owed = [each for each in map(_owed, due) if each is not None]
                if owed:
                    batch = Batch([each.charge for each in owed], self._writer, number)
                    self._sent = batch, owed
                    return self._sent
                sent = self._sent = None

    def _learn(
        self, sent: tuple[Batch, Sequence[_Due]], told: Sequence[Sequence[float]] | None
    ) -> bool:
        """Take over what the server knows; return whether it answered."""
        batch, owed = sent
        if told is None:
            if batch.is_sent:  # once more could be twice
                self._sent = None
            return False
        self._sent = None
        for (memory, charge), ahead in zip(owed, told, strict=True):
            since = self._due.get(charge.key)
            seconds = [0.0] * len(ahead) if since is None else since.charge.seconds
            memory.set_ahead(charge.key, [a + b for a, b in zip(ahead, seconds, strict=True)])
        return True


def _owed(due: _Due) -> _Due | None:
    """Return what is still to be charged; None where the rates have given all of it back."""
    memory, (key, rates, seconds) = due
    left = [min(a, b) for a, b in zip(seconds, memory.ahead(key), strict=True)]
    return _Due(memory, Charge(key, rates, left)) if any(each > 0 for each in left) else None
