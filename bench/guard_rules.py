"""What the rules of the guards cost by themselves: a limit in memory, its memory, and a key."""

from __future__ import annotations

import tracemalloc
from datetime import UTC, datetime
from importlib import import_module
from itertools import cycle, islice
from time import thread_time_ns
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from bench.figure import Figure, Goal
from bench.measure import interleave, spread
from kaiko_guards import ApiKeys, HashedKeys, new_key
from kaiko_guards._chain import ask_plain_verifier
from kaiko_guards._memory import MemoryCounter
from kaiko_guards._rates import parse_rates

if TYPE_CHECKING:
    from bench.measure import Effort, Run

_LIVE = 100_000
"""Keys that the worst hit and the memory are measured with."""
_RATE = "1000/minute"


def _names(number: int) -> list[str]:
    return [f"address:10.{n >> 16}.{n >> 8 & 255}.{n & 255}" for n in range(number)]


# --- limits in memory -----------------------------------------------------------------


def hit() -> Run:
    """Return a hit of ours, as a request under one rate has it: `RateLimit` calls `charge`.

    It tells whether the request is allowed, as a hit of `limits` does, and from what it returns
    the answer's header fields are made.
    """
    counter = MemoryCounter(parse_rates("rates", _RATE))
    names = cycle(_names(1_000))

    def run(times: int) -> None:
        charge = counter.charge
        for name in islice(names, times):
            charge(name)

    return run


def hit_of_limits() -> Run:
    """Return a hit of the library `limits`, its timer left out: that scans all keys meanwhile."""
    limits: Any = import_module("limits")
    storages: Any = import_module("limits.storage")
    strategies: Any = import_module("limits.strategies")
    storage = storages.MemoryStorage()
    storage.timer.cancel()
    storage.timer = SimpleNamespace(is_alive=lambda: True)
    limiter, rate = strategies.MovingWindowRateLimiter(storage), limits.parse(_RATE)
    names = cycle(_names(1_000))

    def run(times: int) -> None:
        hit = limiter.hit
        for name in islice(names, times):
            hit(rate, name)

    return run


def hit_time(effort: Effort) -> Figure:
    """Return what a hit takes, the loop around it included."""
    (times,) = interleave({"ours": hit()}, effort).values()
    return Figure(
        key="guards_hit_time",
        title="rate limit in memory, a hit",
        goal=Goal(limit=1, unit="µs", peer="3.6 µs"),
        measured=spread(seconds * 1e6 for seconds in times),
    )


def worst_hit() -> Figure:
    """Return the longest of as many hits as there are live keys, in processor time."""
    counter = MemoryCounter(parse_rates("rates", _RATE))
    names = _names(_LIVE)
    found: list[float] = []
    for _ in range(3):  # the first time each key is new
        worst = 0
        for name in names:
            began = thread_time_ns()
            counter.charge(name)
            worst = max(worst, thread_time_ns() - began)
        found.append(worst / 1e6)
    return Figure(
        key="guards_hit_worst",
        title=f"… the worst at {_LIVE:,} live keys",
        goal=Goal(limit=1, unit="ms", peer="35 ms"),
        measured=spread(found),
    )


def bytes_per_key() -> Figure:
    """Return the memory that a key takes, its own text included."""
    counter = MemoryCounter(parse_rates("rates", _RATE))
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for number in range(_LIVE):
            counter.charge(f"address:10.{number >> 16}.{number >> 8 & 255}.{number & 255}")
        held = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    return Figure(
        key="guards_key_bytes",
        title="… memory per key",
        goal=Goal(limit=200, unit="B"),
        measured=spread([held / _LIVE]),
    )


# --- keys -----------------------------------------------------------------------------


def key_entries(number: int) -> tuple[list[dict[str, object]], list[str]]:
    """Return stored keys, and the keys that clients send."""
    made = [new_key() for _ in range(number)]
    expires = datetime(2100, 1, 1, tzinfo=UTC).isoformat()
    return [
        {"lookup": key.lookup, "sha256": key.digest, "name": "billing", "expires_at": expires}
        for key in made
    ], [key.key for key in made]


def look_up(number: int) -> Run:
    """Return the check of a key that is known among that many."""
    entries, names = key_entries(number)
    guard = ApiKeys(HashedKeys(entries))
    asked = cycle(names[:10])

    def run(times: int) -> None:
        for key in islice(asked, times):
            ask_plain_verifier(guard, key)

    return run


def known_key(effort: Effort) -> Figure:
    """Return what it takes to find a known key valid, among ten thousand that expire one day."""
    (times,) = interleave({"ours": look_up(10_000)}, effort).values()
    return Figure(
        key="guards_known_key",
        title="key guard, a known key",
        goal=Goal(limit=3, unit="µs"),
        measured=spread(seconds * 1e6 for seconds in times),
    )
