"""One figure that is a ratio of sides which run in this process."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from bench.figure import Figure, Goal
from bench.measure import interleave, spread

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bench.measure import Effort, Run

__all__ = ["Case"]


class Case(NamedTuple):
    """A figure that is a ratio of sides which run in this process.

    With a side `pass` the figure is the cost that `ours` adds to `bare`, in units of what
    the pass-through adds. Otherwise it is `ours` over the other side; where the goal is a
    lower bound it is the throughput, the other side over `ours`.

    Arguments:
        key: the figure's name in the JSON.
        title: what it says.
        goal: what it is to be.
        sides: what makes each side.
        counted: how many calls are counted; a multiple of 256 where the pool of ids, which
            is refilled by so many, is a noticeable part. 0: cannot be counted.

    """

    key: str
    title: str
    goal: Goal
    sides: Mapping[str, Callable[[], Run]]
    counted: int = 64

    def ratio(self, values: Mapping[str, float]) -> float:
        """Return the figure for one value a side."""
        if "pass" in values:
            return (values["ours"] - values["bare"]) / (values["pass"] - values["bare"])
        first = next(value for name, value in values.items() if name != "ours")
        return first / values["ours"] if self.goal.at_least else values["ours"] / first

    def figure(self, effort: Effort, counts: Mapping[str, float] | None) -> Figure:
        """Measure the sides."""
        times = interleave({name: make() for name, make in self.sides.items()}, effort)
        rounds = [dict(zip(times, row, strict=True)) for row in zip(*times.values(), strict=True)]
        return Figure(
            key=self.key,
            title=self.title,
            goal=self.goal,
            measured=spread(self.ratio(values) for values in rounds),
            counted=self.ratio(counts) if counts else None,
            sides={name: spread(values).median * 1e6 for name, values in times.items()},
            instructions=counts or {},
        )

    def counted_figure(self, counts: Mapping[str, float]) -> Figure:
        """Return the figure without timing the sides."""
        return Figure(
            key=self.key,
            title=self.title,
            goal=self.goal,
            counted=self.ratio(counts),
            instructions=counts,
        )
