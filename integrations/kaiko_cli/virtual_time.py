"""An event loop whose time jumps: a wait of a minute takes no time, and is measured.

When nothing is left to do but to wait for a timer, the loop moves its clock to that timer. Nothing
is patched, so code that waits with asyncio runs as it is.
"""

from __future__ import annotations

import asyncio
import selectors
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine

__all__ = ["VirtualLoop", "run_in_virtual_time"]

_T = TypeVar("_T")


class _Jumping(selectors.DefaultSelector):
    """A selector that does not wait for a timer, but moves the clock to it."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Return what is ready; the timer is, if nothing else is."""
        ready = super().select(None if timeout is None else 0)
        if not ready and timeout is not None:
            self.now += max(timeout, 0.0)
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop whose time jumps to the next timer where nothing else is left to do."""

    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        """Return the seconds since the loop was made."""
        return self._jumping.now


def run_in_virtual_time(main: Coroutine[object, object, _T]) -> _T:
    """Run a coroutine on a loop of its own; `asyncio.get_running_loop().time` is its clock.

    Arguments:
        main: the coroutine. It must not use threads: their time is the real one.

    """
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)
