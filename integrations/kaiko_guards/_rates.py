"""Rates: what a limit's text says, and how one request is counted against it.

A rate is counted by the generic cell rate algorithm (GCRA, ITU-T I.371): of each key one number is
kept, the time at which its allowance is whole again. A key that was idle may send its whole
allowance at once, and after that one request whenever another interval has passed. No window
begins or ends, so that nobody can send twice the limit around a boundary.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from kaiko_middleware.settings_check import refuse

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["Rate", "Verdict", "parse_rates", "tightest"]

_RATE = re.compile(r"([1-9]\d{0,8})\s*(?:/|per)\s*(?:([1-9]\d{0,5})\s*)?(second|minute|hour|day)s?")
_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400}
_LONGEST = 31 * 86_400  # seconds: a month
_ALLOWED = "rates such as '100/minute' or '100/minute;5/second', each for at most 31 days"
_HAIR = 1e-6  # of an interval, and seconds: what adding floats and writing them down may lose


class Verdict(NamedTuple):
    """What one rate says of one request.

    `remaining` requests may still follow at once; in `reset` seconds the whole allowance is
    back; where `allowed` is false, `retry_after` seconds must pass before this request is.
    """

    allowed: bool
    limit: int
    remaining: int
    reset: float
    retry_after: float


# A third of the time that the class's own constructor takes; it is called for every request.
_verdict: Callable[[type[Verdict], tuple[object, ...]], Verdict] = vars(tuple)["__new__"]


class Rate:
    """So many requests in so many seconds.

    Arguments:
        limit: how many requests may come at once, and in each period.
        period: seconds.
        text: how it was written.

    """

    __slots__ = ("_least", "hair", "interval", "limit", "longest", "period", "text")

    def __init__(self, limit: int, period: float, text: str = "") -> None:
        self.text: str = text
        self.limit: int = limit
        self.period: float = float(period)
        self.interval: float = period / limit
        """Seconds that one request costs."""
        self.longest: float = 2 * period
        """Seconds for which a key is refused at most, whatever a clock or a storage says."""
        self.hair: float = _HAIR * self.interval + _HAIR
        """Seconds by which a request may be early."""
        self._least = -self.hair

    def __repr__(self) -> str:
        """Return the rate as a limit's text has it."""
        return f"{self.limit}/{self.period:g} seconds"

    def take(self, whole_at: float | None, now: float, cost: int) -> tuple[float, Verdict]:
        """Count one request; return the time that is kept of its key, and the verdict.

        A request that is refused costs nothing. One that costs more than the limit is let
        through where nothing else was, as it would never be otherwise. A time that is further
        away than it can be was kept by a clock that has jumped back since, and is brought nearer.

        Arguments:
            whole_at: the time that was kept of the key; None where nothing was.
            now: the time, of the same clock.
            cost: how many requests this one counts as.

        """
        after = self.pay(whole_at, now, cost)
        if after is not None:
            ahead = after - now
            left = int((self.period - ahead) / self.interval + _HAIR)  # `remaining`, for less
            return after, _verdict(Verdict, (True, self.limit, left, ahead, 0.0))
        return self.refuse(whole_at, now, cost)

    def refuse(self, whole_at: float | None, now: float, cost: int) -> tuple[float, Verdict]:
        """Return what `take` does of a request that `pay` refuses."""
        start = now if whole_at is None or whole_at < now else whole_at
        ahead = start - now
        if ahead > self.longest:
            start = now + self.longest
            ahead = start - now
        left, charge = 0, self.interval  # who may not send one more has none left
        if cost != 1:
            left, charge = max(0, self.remaining(ahead)), self.charge(cost)
        wait = charge - (self.period - ahead)
        return start, _verdict(Verdict, (False, self.limit, left, ahead, wait))

    def pay(self, whole_at: float | None, now: float, cost: int) -> float | None:
        """Return the time that is kept of a key once a request is counted; None if it is refused.

        Arguments as of `take`, which says more and costs more.
        """
        start = now if whole_at is None or whole_at < now else whole_at
        after = start + (self.interval if cost == 1 else min(self.limit, cost) * self.interval)
        return after if self.period - (after - now) >= self._least else None

    def remaining(self, ahead: float) -> int:
        """Return how many requests may follow at once, `ahead` seconds before all are back."""
        return int((self.period - ahead) / self.interval + _HAIR)

    def charge(self, cost: int) -> float:
        """Return the seconds that a request costs which counts as `cost` requests."""
        return min(self.limit, cost) * self.interval

    def until_more(self, verdict: Verdict) -> float:
        """Return the seconds until one request more may follow."""
        return (verdict.remaining + 1) * self.interval - (self.period - verdict.reset)


def tightest(verdicts: Sequence[Verdict]) -> Verdict:
    """Return the verdict that the client is told: the longest wait, else what is used up most."""
    if len(verdicts) == 1:
        return verdicts[0]
    refused = [each for each in verdicts if not each.allowed]
    if refused:
        return max(refused, key=lambda each: each.retry_after)
    return min(verdicts, key=lambda each: (each.remaining / each.limit, -each.reset))


def parse_rates(key: str, text: object) -> tuple[Rate, ...]:
    """Return the rates that `text` names; raises `ConfigError` where it names none.

    Each is `LIMIT/UNIT` or `LIMIT/N UNITS`, the unit being second, minute, hour or day; more
    than one are separated by semicolons.

    Arguments:
        key: the setting, for the message.
        text: what was given.

    """
    if not isinstance(text, str):
        refuse(key, text, _ALLOWED)
    rates: list[Rate] = []
    for part in text.split(";"):
        found = _RATE.fullmatch(part.strip())
        if found is None:
            refuse(key, text, _ALLOWED)
        limit, count, unit = found.groups()
        period = int(count or 1) * _SECONDS[unit]
        if period > _LONGEST:
            refuse(key, text, _ALLOWED)
        written = f"{limit}/{unit}" if count in {None, "1"} else f"{limit}/{count} {unit}s"
        rates.append(Rate(int(limit), period, written))
    return tuple(rates)
