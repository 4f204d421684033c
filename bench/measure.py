"""Interleaved rounds: A B A B …, the best of a few chunks a round, medians of paired ratios.

Two sides that run within milliseconds of each other see the same machine, so that their
ratio holds where their times do not. Processor time is taken, which what else the machine
does changes little; the best of a few chunks leaves out what interrupted one of them, and
the median over many rounds what disturbed a whole round.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from statistics import median, quantiles
from time import process_time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Run = Callable[[int], None]
"""Does the thing that is measured as often as it is told."""


class Spread(NamedTuple):
    """The median of what the rounds gave, and between which values most of them lie."""

    median: float
    p10: float
    p90: float
    rounds: int


class Effort(NamedTuple):
    """How much is spent on one figure.

    Arguments:
        rounds: how many rounds, each of which gives one ratio.
        chunk: seconds that one side runs at a time.
        best_of: chunks a side and round, of which the fastest counts.

    """

    rounds: int
    chunk: float
    best_of: int = 3


def spread(values: Iterable[float]) -> Spread:
    """Return the median of `values` with their 10th and 90th percentile."""
    found = sorted(values)
    if len(found) < 2:
        return Spread(found[0], found[0], found[0], len(found))
    deciles = quantiles(found, n=10, method="inclusive")
    return Spread(median(found), deciles[0], deciles[-1], len(found))


def interleave(
    sides: Mapping[str, Run], effort: Effort, clock: Callable[[], float] = process_time
) -> dict[str, list[float]]:
    """Return seconds a call for each side and round.

    Arguments:
        sides: what is run, in turns.
        effort: how often and how long.
        clock: `perf_counter` where waiting for another process is part of what is measured.

    """
    counts = {name: _calibrate(run, effort.chunk, clock) for name, run in sides.items()}
    names = list(sides)
    times: dict[str, list[float]] = {name: [] for name in names}
    for number in range(effort.rounds):
        gc.collect(number % 16 and 1)
        gc.disable()
        best = dict.fromkeys(names, float("inf"))
        for _ in range(effort.best_of):
            for name in names:
                start = clock()
                sides[name](counts[name])
                best[name] = min(best[name], (clock() - start) / counts[name])
            names.reverse()  # so that none always comes first
        gc.enable()
        for name, seconds in best.items():
            times[name].append(seconds)
    return times


def _calibrate(run: Run, chunk: float, clock: Callable[[], float]) -> int:
    """Return how many calls fill a chunk, after having warmed up."""
    count, seconds = 1, 0.0
    while True:
        start = clock()
        run(count)
        seconds = clock() - start
        if seconds > chunk / 4:
            break
        count *= 2
    start = clock()
    run(count)
    return max(1, round(count * chunk / max(clock() - start, 1e-9)))
