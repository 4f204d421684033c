"""What is kept for each of asyncio's event loops, for as long as it runs."""

from __future__ import annotations

from operator import methodcaller
from typing import TypeVar

__all__ = ["ByLoop"]

_T = TypeVar("_T")
_is_closed = methodcaller("is_closed")


class ByLoop(dict[object, _T]):
    """What belongs to each event loop.

    Weak references would keep it for good: a connection and a timer lead to their loop.
    """

    def add(self, loop: object, kept: _T) -> list[_T]:
        """Keep what belongs to one more loop; return what is let go of those that are over."""
        # Another thread may be at it.
        gone = [self.pop(each, None) for each in tuple(self) if _is_closed(each)]
        self[loop] = kept
        return [each for each in gone if each is not None]
