"""Counts in the memory of one process.

The keys lie in shards, each with a lock, so that no request waits for the whole table to grow
or to be cleared. A shard has two generations: keys that were seen since its last turn, and those
of the turn before, which are dropped at the next. A turn is at least as long as the longest
period, so what is dropped is whole again anyway; only where there are more keys than `max_keys`
a turn comes early, and the keys that were idle longest are forgotten.
"""

from __future__ import annotations

import time
from threading import Lock
from typing import TYPE_CHECKING, Any

from kaiko_guards._rates import tightest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kaiko_guards._rates import Rate, Verdict

__all__ = ["Key", "MemoryCounter"]

Key = str | int
"""Whom a request is counted for: a text, or the hash of one."""

_SHARDS = 64  # a power of two


class _Shard:
    """A part of the keys, and of each the time that a rate keeps, or a tuple of them."""

    __slots__ = ("fresh", "lock", "stale", "turns_at")

    def __init__(self) -> None:
        self.lock = Lock()
        self.fresh: dict[Key, Any] = {}
        self.stale: dict[Key, Any] = {}
        self.turns_at = 0.0

    def recall(self, key: Key, now: float, period: float, room: int) -> Any:
        """Return what was kept of a key before this generation; begin a new one where it is time.

        Arguments:
            key: the key.
            now: the time.
            period: seconds that a generation lasts.
            room: how many keys it may have.

        """
        if now >= self.turns_at or len(self.fresh) >= room:
            self.stale, self.fresh = self.fresh, dict[Key, Any]()
            self.turns_at = now + period
        return self.stale.pop(key, None)


class MemoryCounter:
    """Counts requests by key, in memory, for one or more rates at once.

    It may be called from any thread, and waits for another one no longer than one count takes.

    Arguments:
        rates: each of them must allow a request, and a refused request is counted by none.
        max_keys: how many keys are remembered at most; where there are more, those that were
            idle longest are forgotten.
        periods: for how many of the longest period a key is remembered at least.
        clock: seconds.

    """

    def __init__(
        self,
        rates: Sequence[Rate],
        *,
        max_keys: int = 1_000_000,
        periods: int = 1,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rates = tuple(rates)
        self._clock = clock
        self._pay = self._rates[0].pay
        self._refuse = self._rates[0].refuse
        self._take = self._rates[0].take if len(self._rates) == 1 else self._take_tightest
        self._period = periods * max(rate.period for rate in rates)
        self._room = max(1, max_keys // (2 * _SHARDS))
        self._shards = tuple(_Shard() for _ in range(_SHARDS))

    def hit(self, key: Key, cost: int = 1) -> Verdict:
        """Count one request of `key`; return what the tightest rate says."""
        now = self._clock()
        shard = self._shards[hash(key) % _SHARDS]
        lock = shard.lock
        lock.acquire()  # a `with` takes a tenth of the whole count more
        try:
            kept = shard.fresh.get(key)
            if kept is None or now >= shard.turns_at:
                kept = shard.recall(key, now, self._period, self._room)
            shard.fresh[key], verdict = self._take(kept, now, cost)
        finally:
            lock.release()
        return verdict

    def charge(self, key: Key, cost: int = 1) -> float | Verdict:
        """Count one request of `key` where there is one rate, and say no more than is asked.

        Returns in how many seconds the allowance is whole, or why the request is refused.
        """
        now = self._clock()
        shard = self._shards[hash(key) % _SHARDS]
        lock = shard.lock
        lock.acquire()
        try:
            kept = shard.fresh.get(key)
            if kept is None or now >= shard.turns_at:
                kept = shard.recall(key, now, self._period, self._room)
            after = self._pay(kept, now, cost)
            if after is None:
                shard.fresh[key], verdict = self._refuse(kept, now, cost)
                return verdict
            shard.fresh[key] = after
        finally:
            lock.release()
        return after - now

    def hit_each(self, key: Key, cost: int = 1) -> list[Verdict]:
        """Count one request of `key`; return what each rate says."""
        now = self._clock()
        shard = self._shards[hash(key) % _SHARDS]
        with shard.lock:
            times, verdicts = self._take_each(self._times(shard, key, now), now, cost)
            self._keep(shard, key, times)
        return verdicts

    def give_back(self, key: Key, cost: int) -> None:
        """Undo one hit of `key` that was allowed."""
        now = self._clock()
        shard = self._shards[hash(key) % _SHARDS]
        with shard.lock:
            times = self._times(shard, key, now)
            if times is not None:
                paid = zip(self._rates, times, strict=True)
                given = tuple([time - rate.charge(cost) for rate, time in paid])
                self._keep(shard, key, given)

    def ahead(self, key: Key) -> tuple[float, ...]:
        """Return for each rate in how many seconds the allowance of `key` is whole."""
        now = self._clock()
        shard = self._shards[hash(key) % _SHARDS]
        with shard.lock:
            times = self._times(shard, key, now)
            if times is not None:
                self._keep(shard, key, times)
        return tuple([max(0.0, time - now) for time in times or (now,) * len(self._rates)])

    def set_ahead(self, key: Key, ahead: Sequence[float]) -> None:
        """Say for each rate in how many seconds the allowance of `key` is whole."""
        now = self._clock()
        shard = self._shards[hash(key) % _SHARDS]
        with shard.lock:
            self._times(shard, key, now)
            self._keep(shard, key, tuple([now + seconds for seconds in ahead]))

    def _times(self, shard: _Shard, key: Key, now: float) -> tuple[float, ...] | None:
        """Return what is kept of a key, which is to be kept again."""
        kept = shard.fresh.get(key)
        if kept is None or now >= shard.turns_at:
            kept = shard.recall(key, now, self._period, self._room)
        return (kept,) if kept is not None and len(self._rates) == 1 else kept

    def _keep(self, shard: _Shard, key: Key, times: tuple[float, ...]) -> None:
        shard.fresh[key] = times[0] if len(self._rates) == 1 else times

    def _take_each(
        self, kept: tuple[float, ...] | None, now: float, cost: int
    ) -> tuple[tuple[float, ...], list[Verdict]]:
        times = kept or tuple([now] * len(self._rates))
        taken = [rate.take(time, now, cost) for rate, time in zip(self._rates, times, strict=True)]
        verdicts = [verdict for _, verdict in taken]
        if not all(verdict.allowed for verdict in verdicts):
            # What is refused by one is counted by none.
            nearer = [
                min(time, now + rate.longest) for rate, time in zip(self._rates, times, strict=True)
            ]
            return tuple(nearer), verdicts
        return tuple([time for time, _ in taken]), verdicts

    def _take_tightest(
        self, kept: tuple[float, ...] | None, now: float, cost: int
    ) -> tuple[tuple[float, ...], Verdict]:
        times, verdicts = self._take_each(kept, now, cost)
        return times, tightest(verdicts)
