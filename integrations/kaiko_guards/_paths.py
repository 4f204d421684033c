"""Settings that differ by path."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from kaiko_middleware.config import is_within
from kaiko_middleware.settings_check import path_prefixes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

__all__ = ["ByPath", "within"]

_T = TypeVar("_T")


def within(prefixes: Iterable[str]) -> Callable[[str], bool]:
    """Return what tells whether a path is one of the prefixes or below it: `is_within`, faster."""
    known = tuple(prefixes)
    exactly = frozenset(known)
    below = tuple(["" if prefix == "/" else f"{prefix}/" for prefix in known])

    def is_known(path: str) -> bool:
        if "//" in path:
            return is_within(path, known)
        return path in exactly or path.startswith(below)

    return is_known


class ByPath(Generic[_T]):
    """A value for each path: that of the longest prefix, by whole segments, that it is within.

    Arguments:
        key: the setting, for the message.
        given: the values by path prefix.

    Raises:
        ConfigError: a key is no path prefix.

    """

    def __init__(self, key: str, given: Mapping[str, _T]) -> None:
        prefixes = path_prefixes(key, given)
        # Of two prefixes that a path is within, the longer one sorts last.
        pairs = sorted(zip(prefixes, given.values(), strict=True), key=lambda pair: pair[0])
        self.pairs: tuple[tuple[str, _T], ...] = tuple(reversed(pairs))
        """The prefixes and their values; empty where all paths are alike."""

    def get(self, path: str, default: _T) -> _T:
        """Return the value for `path`, or `default` where it is within no prefix."""
        for prefix, value in self.pairs:
            if is_within(path, (prefix,)):
                return value
        return default
