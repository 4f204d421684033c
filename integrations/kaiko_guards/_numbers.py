"""Settings that are numbers."""

from __future__ import annotations

__all__ = ["is_number"]


def is_number(value: object, least: float, most: float) -> bool:
    """Whether `value` is an int or a float from `least` to `most`; no bool and no NaN is."""
    return isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most
