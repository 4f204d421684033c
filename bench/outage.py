"""A simulated outage: 1,000 callers of an upstream that is down for a minute.

What is asked whether to retry, and after how long, is the real `RetryPolicy` with its
`RetryBudget`; time and the upstream are made up, so that a run takes seconds and always ends
the same. `python -P bench/outage.py` prints the table of docs/outage.md. `--write docs` stores
what the page's table and picture are made from.
"""

from __future__ import annotations

import argparse
import heapq
import json
import random
import sys
from functools import partial
from itertools import count
from math import sqrt
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, cast

import httpx2

sys.path.append(str(Path(__file__).resolve().parent.parent))

from kaiko_httpx import RetryBudget, RetryPolicy
from kaiko_httpx._deadline import Deadline
from kaiko_httpx._policy import Call  # what the transports ask, without a socket

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kaiko_middleware import KaikoError

CALLERS = 1000
PAUSE = (5.0, 15.0)  # seconds between two calls of a caller
CAPACITY = 150.0  # answers a second, a third more than are asked for
DOWN = range(30, 90)
COLD = 30  # seconds after the outage until the upstream is as fast again, from half of that
BACKLOG = 10.0  # seconds of work; who comes when there is more is refused
REFUSED_AFTER = 0.01
END = 390
PICTURED = 230  # seconds
SEED = 4
PATIENCE = (2, 3, 5)  # seconds that a caller waits for an answer; the second one is pictured

KINDS: dict[str, Callable[..., RetryPolicy]] = {
    "no retries": partial(RetryPolicy, attempts=1),
    "retries without a budget": partial(RetryPolicy, budget=RetryBudget(retry_cost=0)),
    "retries with the budget": RetryPolicy,
}


class Course(NamedTuple):
    """What happened in each second: attempts sent, calls answered in time, calls failed."""

    sent: list[int]
    answered: list[int]
    failed: list[int]

    @property
    def recovered_after(self) -> int | None:
        """Seconds from the outage's end until, for good, at most 1 % of the calls fail."""
        bad = [
            second
            for second in range(DOWN.stop, END)
            if self.failed[second] > 0.01 * (self.failed[second] + self.answered[second])
        ]
        after = bad[-1] + 1 - DOWN.stop if bad else 0
        return after if after + DOWN.stop < END - 10 else None


class _World:
    """The clock, what is due when, and the upstream, which works off one request at a time."""

    def __init__(self, make: Callable[..., RetryPolicy], patience: float) -> None:
        self.now = 0.0
        self.course = Course([0] * END, [0] * END, [0] * END)
        self._policy = make(clock=lambda: self.now)
        self._patience = patience
        self._pauses = random.Random(SEED)  # noqa: S311 - the same each time is what is wanted
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()
        self._busy_until = 0.0
        upstream = self._policy.upstream
        refused = upstream.error_from_response(503, {}, b"")
        self._refused = cast("KaikoError", refused)  # None is for a success
        self._late = upstream.error_from_exception(httpx2.ReadTimeout("too late"))

    def run(self) -> Course:
        """Let time pass."""
        random.seed(SEED)  # of the policy's jitter
        least, most = (seconds**2 for seconds in PAUSE)
        for _ in range(CALLERS):  # each is somewhere in a pause, more likely in a long one
            pause = sqrt(self._pauses.uniform(least, most))
            self._in(self._pauses.uniform(0.0, pause), self._begin)
        while self._due[0][0] < END:
            self.now, _, act = heapq.heappop(self._due)
            act()
        return self.course

    def _in(self, seconds: float, act: Callable[[], None]) -> None:
        heapq.heappush(self._due, (self.now + seconds, next(self._order), act))

    def _begin(self) -> None:
        self._send(Call(self._policy, "GET", Deadline(self._policy)))

    def _send(self, call: Call) -> None:
        self.course.sent[int(self.now)] += 1
        backlog = max(0.0, self._busy_until - self.now)
        if DOWN.start <= self.now < DOWN.stop or backlog > BACKLOG:
            self._in(REFUSED_AFTER, partial(self._fail, call, self._refused))
            return
        took = backlog + 1 / self._speed()
        self._busy_until = self.now + took  # also for an answer that nobody waits for any more
        if took > self._patience:
            self._in(self._patience, partial(self._fail, call, self._late))
        else:
            self._in(took, partial(self._succeed, call))

    def _speed(self) -> float:
        warm = (self.now - DOWN.stop) / COLD
        return CAPACITY * (0.5 + 0.5 * warm if 0 <= warm < 1 else 1.0)

    def _succeed(self, call: Call) -> None:
        call.succeeded()
        self._end(self.course.answered)

    def _fail(self, call: Call, error: KaikoError) -> None:
        decision = call.decide(error)
        if decision.retry:
            self._in(decision.wait, partial(self._send, call))
        else:
            self._end(self.course.failed)

    def _end(self, counted: list[int]) -> None:
        counted[int(self.now)] += 1
        self._in(self._pauses.uniform(*PAUSE), self._begin)


def table(courses: dict[str, list[Course]]) -> list[list[str]]:
    """Return the table's rows, the heading first."""
    waits = [f"recovered, waiting {patience} s" for patience in PATIENCE]
    heading = ["1,000 callers with", "attempts while it is down", "at most in a second"]
    rows = [[*heading, "calls failed", *waits]]
    for name, each in courses.items():
        shown = each[1]
        sent = shown.sent[DOWN.start : DOWN.stop]
        after = [course.recovered_after for course in each]
        rows.append(
            [
                name,
                f"{sum(sent):,}",
                f"{max(shown.sent[DOWN.start :]):,}",
                f"{sum(shown.failed):,}",
                *("not in 5 min" if seconds is None else f"{seconds} s" for seconds in after),
            ]
        )
    return rows


def stored(courses: dict[str, list[Course]]) -> dict[str, object]:
    """Return what the page is made from: the rows, and the course that is pictured."""
    shown = {name: each[1] for name, each in courses.items()}
    return {
        "down": [DOWN.start, DOWN.stop],
        "sent": {name: course.sent[:PICTURED] for name, course in shown.items()},
        "answered": {name: course.answered[:PICTURED] for name, course in shown.items()},
        "table": table(courses),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table, and store it and the course where `--write` says."""
    parser = argparse.ArgumentParser(description="What a retry budget is for, simulated.")
    parser.add_argument("--write", type=Path, help="the folder of outage.md")
    folder: Path | None = parser.parse_args(arguments).write
    courses = {
        name: [_World(make, patience).run() for patience in PATIENCE]
        for name, make in KINDS.items()
    }
    for row in table(courses):
        sys.stdout.write(f"| {' | '.join(row)} |\n")
    if folder is not None:
        text = json.dumps(stored(courses), separators=(",", ":")).replace('],"', '],\n"')
        (folder / "_data" / "outage.json").write_text(text + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
