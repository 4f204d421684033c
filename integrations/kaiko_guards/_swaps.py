"""How requests are counted where there are no scripts: read, and swap until nobody came between.

What is to be done is told step by step, so that a thread and an event loop follow the same rule,
each with a client of its own.
"""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Any

from kaiko_guards._storages import Charge, Read, Write

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence

    from kaiko_guards._storages import Batch

    Kept = Mapping[str, tuple[bytes, Any]]
    Steps = Generator[Read | Write, Any, list[list[float]]]

__all__ = ["settling", "taking"]

_RELATIVE = 30 * 86_400
"""Seconds: Memcached reads a longer time to live as a point in time."""


def taking(charges: Sequence[Charge], clock: Callable[[], float]) -> Steps:
    """Charge all of the keys, or none where a rate refuses; return what was before."""
    told: dict[str, list[float]] = {}
    written: list[Charge] = []
    open_: list[Charge] = list(charges)
    while open_:
        found: Kept = yield Read([charge.key for charge in open_])
        now = clock()
        before = [_ahead(charge, found, now) for charge in open_]
        told.update((charge.key, ahead) for charge, (ahead, _) in zip(open_, before, strict=True))
        if not all(_allows(charge, told[charge.key]) for charge in open_):
            moved = [
                _value(charge, ahead, now, found)
                for charge, (ahead, is_nearer) in zip(open_, before, strict=True)
                if is_nearer
            ]
            if moved:
                yield Write(moved)
            yield from settling([_negative(charge) for charge in written], clock)
            break
        values = [_value(charge, _plus(charge, told[charge.key]), now, found) for charge in open_]
        swapped: list[bool] = yield Write(values)
        written += [charge for charge, done in zip(open_, swapped, strict=True) if done]
        open_ = [charge for charge, done in zip(open_, swapped, strict=True) if not done]
    return [told[charge.key] for charge in charges]


def settling(
    charges: Sequence[Charge], clock: Callable[[], float], batch: Batch | None = None
) -> Steps:
    """Charge all of the keys, whatever the rates say; return what is afterwards."""
    told: dict[str, list[float]] = {}
    open_: list[Charge] = list(charges)
    while open_:
        found: Kept = yield Read([charge.key for charge in open_])
        now = clock()
        for charge in open_:
            told[charge.key] = _plus(charge, _ahead(charge, found, now)[0])
        values = [_value(charge, told[charge.key], now, found) for charge in open_]
        if batch is not None:
            batch.is_sent = True
        swapped: list[bool] = yield Write(values)
        open_ = [charge for charge, done in zip(open_, swapped, strict=True) if not done]
    return [told[charge.key] for charge in charges]


def _ahead(charge: Charge, found: Kept, now: float) -> tuple[list[float], bool]:
    """Return in how many seconds a key is whole, and whether that was brought nearer.

    What is further away than it can be was written by a clock that has jumped back since.
    """
    kept = found.get(charge.key)
    times = [] if kept is None else [_time(text) for text in kept[0].split(None, len(charge.rates))]
    # As many as there are rates: what is no time of ours is written over.
    times = [*times, *[0.0] * len(charge.rates)][: len(charge.rates)]
    ahead = [max(0.0, time - now) for time in times]
    nearer = [min(each, rate.longest) for each, rate in zip(ahead, charge.rates, strict=True)]
    return nearer, any(
        each > rate.longest + rate.hair for each, rate in zip(ahead, charge.rates, strict=True)
    )


def _time(text: bytes) -> float:
    try:
        time = float(text)
    except ValueError:
        return 0.0
    return time if time == time else 0.0  # noqa: PLR0124 - what no NaN is


def _allows(charge: Charge, ahead: Sequence[float]) -> bool:
    return all(
        rate.period - (before + seconds) >= -rate.hair
        for rate, before, seconds in zip(charge.rates, ahead, charge.seconds, strict=True)
    )


def _plus(charge: Charge, ahead: Sequence[float]) -> list[float]:
    return [
        max(0.0, min(before + seconds, rate.longest))
        for rate, before, seconds in zip(charge.rates, ahead, charge.seconds, strict=True)
    ]


def _negative(charge: Charge) -> Charge:
    return Charge(charge.key, charge.rates, [-each for each in charge.seconds])


def _value(
    charge: Charge, ahead: Sequence[float], now: float, found: Kept
) -> tuple[str, bytes, int, Any]:
    """Return what is written of a key, for how long, and what it is swapped by."""
    kept = found.get(charge.key)
    lasts = ceil(max(ahead)) + 1
    expire = lasts if lasts <= _RELATIVE else int(now) + lasts
    value = " ".join(f"{now + seconds:.6f}" for seconds in ahead).encode("ascii")
    return charge.key, value, expire, None if kept is None else kept[1]
