"""Settings that differ by path."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from kaiko_middleware.config import is_within
from kaiko_middleware.settings_check import path_prefixes

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ByPath"]

_T = TypeVar("_T")


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
        self._pairs: tuple[tuple[str, _T], ...] = tuple(reversed(pairs))

    def get(self, path: str, default: _T) -> _T:
        """Return the value for `path`, or `default` where it is within no prefix."""
        for prefix, value in self._pairs:
            if is_within(path, (prefix,)):
                return value
        return default
