"""Counting in memory: several rates at once, threads, and bounds for what is kept."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from kaiko_guards._memory import MemoryCounter
from kaiko_guards._rates import parse_rates

if TYPE_CHECKING:
    from kaiko_guards._rates import Verdict


class Clock:
    """A clock that stands still until it is set."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def _counter(text: str, clock: Clock, **how: int) -> MemoryCounter:
    return MemoryCounter(parse_rates("rates", text), clock=clock, **how)


def _kept(counter: MemoryCounter) -> int:
    return sum(len(shard.fresh) + len(shard.stale) for shard in counter._shards)


def test_keys_are_counted_apart() -> None:
    """What one uses up is not the other's."""
    counter = _counter("1/minute", Clock())
    assert [counter.hit(key).allowed for key in ("a", "b", "a", "b")] == [True, True, False, False]


def test_every_rate_must_allow_a_request_and_none_counts_a_refused_one() -> None:
    """Five of ten at once under `10/minute;5/second`, and a second later the other five."""
    clock = Clock()
    counter = _counter("10/minute;5/second", clock)
    told: list[Verdict] = [counter.hit("a") for _ in range(7)]
    assert [verdict.allowed for verdict in told] == [True] * 5 + [False] * 2
    assert told[-1].retry_after == pytest.approx(0.2)
    clock.now += 1
    assert [counter.hit("a").allowed for _ in range(6)] == [True] * 5 + [False]
    assert counter.hit("a").limit == 10


def test_what_is_whole_again_is_forgotten() -> None:
    """Two periods after its last request nothing is kept of a key."""
    clock = Clock()
    counter = _counter("10/minute", clock)
    for number in range(1000):
        counter.hit(f"key {number}")
    assert _kept(counter) == 1000
    for _ in range(3):
        clock.now += 61
        for number in range(1000):
            counter.hit(f"another {number}")
    assert _kept(counter) <= 2000
    assert counter.hit("key 1").remaining == 9


def test_what_is_not_whole_is_kept() -> None:
    """Also across a turn of the generations."""
    clock = Clock()
    counter = _counter("2/minute", clock)
    assert [counter.hit("busy").allowed for _ in range(2)] == [True, True]
    clock.now += 45
    assert counter.hit("busy").allowed
    clock.now += 16
    assert [counter.hit("busy").allowed for _ in range(2)] == [True, False]


def test_a_million_keys_take_no_more_than_their_room() -> None:
    """Of a flood of made-up keys, those that were idle longest go."""
    counter = _counter("10/day", Clock(), max_keys=5000)
    for number in range(50_000):
        counter.hit(f"made up {number}")
    assert _kept(counter) <= 5000
    assert counter.hit("made up 49999").remaining == 8


def test_threads_get_no_more_than_the_limit() -> None:
    """However they interleave."""
    counter = _counter("1000/day", Clock())
    with ThreadPoolExecutor(8) as pool:
        allowed = list(pool.map(lambda _: counter.hit("shared").allowed, range(4000)))
    assert sum(allowed) == 1000
