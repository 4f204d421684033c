"""One result: what was measured, against which goal, and whether it is met."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.measure import Spread


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """What a figure is to be.

    Arguments:
        limit: the bound that counts.
        at_least: whether it is a lower bound.
        unit: what stands behind the number.
        timed: the bound of the timing where it is another than that of the counts.
        peer: what the best comparable middleware reaches.

    """

    limit: float
    at_least: bool = False
    unit: str = "×"
    timed: float | None = None
    peer: str = "–"

    def allows(self, value: float, *, timed: bool) -> bool:
        """Whether `value` is within the goal."""
        limit = self.timed if timed and self.timed is not None else self.limit
        return value >= limit if self.at_least else value <= limit

    def __str__(self) -> str:
        """Return it as PERFORMANCE.md writes it, the timing's bound in brackets."""
        text = f"{'≥' if self.at_least else '≤'} {self.limit:g} {self.unit}"
        return text if self.timed is None else f"{text} ({self.timed:g})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """What was found.

    Arguments:
        key: the figure's name in the JSON; it does not change.
        title: what it says.
        goal: what it is to be.
        measured: the spread of the measured ratios; None where it could not be measured.
        counted: the ratio of counted instructions; None where none were counted.
        sides: what stands behind the ratio, a side: microseconds, bytes, answers a second.
        instructions: instructions a request, a side.
        note: what a reader should know, such as why it is missing.

    """

    key: str
    title: str
    goal: Goal
    measured: Spread | None = None
    counted: float | None = None
    sides: Mapping[str, float] = field(default_factory=dict[str, float])
    instructions: Mapping[str, float] = field(default_factory=dict[str, float])
    note: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the goal is met, by the counts where there are some; None: unknown."""
        if self.counted is not None:
            return self.goal.allows(self.counted, timed=False)
        if self.measured is not None:
            return self.goal.allows(self.measured.median, timed=True)
        return None

    def as_json(self) -> dict[str, object]:
        """Return the figure as it is saved."""
        return {
            "key": self.key,
            "title": self.title,
            "unit": self.goal.unit,
            "goal": self.goal.limit,
            "goal_timed": self.goal.timed,
            "at_least": self.goal.at_least,
            "peer": self.goal.peer,
            "measured": None if self.measured is None else self.measured._asdict(),
            "counted": self.counted,
            "met": self.met,
            "sides": dict(self.sides),
            "instructions": dict(self.instructions),
            "note": self.note,
        }
