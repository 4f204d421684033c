"""Counting by compare and swap: whoever comes between, and clocks that disagree or jump back."""

from __future__ import annotations

from typing import Any

import pytest

from guards.test_memory import Clock
from kaiko_guards._rates import parse_rates
from kaiko_guards._storages import Batch, Charge, Read, Write
from kaiko_guards._swaps import settling, taking

RATES = parse_rates("rates", "3/minute")


class Kept:
    """What a Memcached keeps, and what others do between two steps."""

    def __init__(self) -> None:
        self.values: dict[str, tuple[bytes, int]] = {}
        self.written: list[str] = []
        self.between: list[Any] = []

    def run(self, steps: Any) -> list[list[float]]:
        """Follow the steps to their end."""
        answer: Any = None
        while True:
            try:
                step = steps.send(answer)
            except StopIteration as done:
                result: list[list[float]] = done.value
                return result
            if isinstance(step, Read):
                answer = {key: self.values[key] for key in step.keys if key in self.values}
                if self.between:
                    self.between.pop(0)()
            else:
                answer = [self._swap(*each) for each in step.values]

    def _swap(self, key: str, value: bytes, lasts: int, token: int | None) -> bool:
        assert lasts > 0
        kept = self.values.get(key)
        if (None if kept is None else kept[1]) != token:
            return False
        self.values[key] = value, (0 if kept is None else kept[1]) + 1
        self.written.append(key)
        return True

    def left(self, key: str, clock: Clock) -> int:
        """Return how many requests of a key may follow."""
        kept = self.values.get(key)
        return round(3 - max(0.0, float(kept[0]) - clock.now) / 20) if kept else 3


def _charge(key: str, cost: int = 1) -> Charge:
    return Charge(key, RATES, [cost * RATES[0].interval])


def test_who_comes_between_is_not_forgotten() -> None:
    """It is read again, and counted on top."""
    kept, clock = Kept(), Clock()
    kept.between = [lambda: kept.run(taking([_charge("a")], clock))]
    assert kept.run(taking([_charge("a")], clock)) == [[20.0]]
    assert kept.left("a", clock) == 1


def test_the_last_one_is_let_through_once() -> None:
    """Both read that there is room."""
    kept, clock = Kept(), Clock()
    kept.run(taking([_charge("a", 2)], clock))
    told: list[Any] = []
    kept.between = [lambda: told.append(kept.run(taking([_charge("a")], clock)))]
    assert kept.run(taking([_charge("a")], clock)) == [[60.0]]  # refused
    assert told == [[[40.0]]]
    assert kept.left("a", clock) == 0


def test_what_was_written_is_given_back_where_another_key_refuses() -> None:
    """Somebody took its last one between the reading and the writing."""
    kept, clock = Kept(), Clock()
    kept.run(taking([_charge("b", 2)], clock))
    kept.between = [lambda: kept.run(taking([_charge("b")], clock))]
    told = kept.run(taking([_charge("a"), _charge("b")], clock))
    assert told == [[0.0], [60.0]]
    assert (kept.left("a", clock), kept.left("b", clock)) == (3, 0)


def test_a_refusal_writes_nothing() -> None:
    """So that who is refused contends with nobody."""
    kept, clock = Kept(), Clock()
    kept.run(taking([_charge("a", 3)], clock))
    kept.written.clear()
    assert kept.run(taking([_charge("b"), _charge("a")], clock)) == [[0.0], [60.0]]
    assert kept.written == []


def test_a_clock_that_jumps_back_locks_nobody_out() -> None:
    """For longer than two periods."""
    kept, clock = Kept(), Clock()
    kept.run(taking([_charge("a", 3)], clock))
    clock.now -= 500
    assert kept.run(taking([_charge("a")], clock)) == [[120.0]]
    clock.now += 80
    assert kept.run(taking([_charge("a")], clock)) == [[40.0]]


def test_what_is_due_is_charged_whatever_the_rate_says() -> None:
    """But for no longer than two periods, and whoever comes between."""
    kept, clock = Kept(), Clock()
    batch = Batch([_charge("a", 4), _charge("b")], "writer", 1)
    kept.between = [lambda: kept.run(taking([_charge("a")], clock))]
    assert kept.run(settling(batch.charges, clock, batch)) == [[100.0], [20.0]]
    assert batch.is_sent
    assert kept.run(settling([_charge("a", 4)], clock)) == [[120.0]]


GARBAGE = [
    b"",
    b"x",
    b"nan",
    b"inf",
    b"-inf",
    b"\xff\x00",
    b"1e999",
    b"0 junk more",
    b"junk " * 9_999,
]


@pytest.mark.parametrize("garbage", GARBAGE, ids=lambda garbage: repr(garbage[:20]))
def test_what_is_no_time_is_written_over(garbage: bytes) -> None:
    """As in Redis: somebody else's value under our name stops nobody for long."""
    kept, clock = Kept(), Clock()
    kept.values["a"] = garbage, 1
    before = kept.run(taking([_charge("a")], clock))
    ahead = 120.0 if b"inf" in garbage or b"1e999" in garbage else 0.0
    assert before == [[ahead if garbage != b"-inf" else 0.0]]
    assert [float(time) for time in kept.values["a"][0].split()]
    assert kept.run(settling([_charge("a")], clock))[0][0] <= 120.0
    other = parse_rates("rates", "3/minute;9/hour")
    two = Charge("a", other, [20.0, 400.0])
    assert len(kept.run(settling([two], clock))[0]) == 2
    assert len(kept.values["a"][0].split()) == 2


def test_a_long_time_to_live_is_a_point_in_time() -> None:
    """Memcached reads what is longer than thirty days so."""
    rates = parse_rates("rates", "2/31 days")
    kept, clock = Kept(), Clock()
    steps = taking([Charge("a", rates, [31 * 86_400.0])], clock)
    read = next(steps)
    assert isinstance(read, Read)
    write = steps.send(kept.values)
    assert isinstance(write, Write)
    assert write.values[0][2] == 1000 + 31 * 86_400 + 1
