"""Time that passes only where somebody waits for it, for threads, asyncio and trio.

Nothing is patched for the asynchronous ones: their loops jump to the next timer.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal, TypeVar
from unittest import mock

import trio
from trio.testing import MockClock

from kaiko_cli.virtual_time import VirtualLoop

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator

Backend = Literal["asyncio", "trio"]
BACKENDS: tuple[Backend, ...] = ("asyncio", "trio")
_T = TypeVar("_T")


class Clock:
    """A clock for synchronous code, which `time.sleep` moves while it `rules`."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Tell the time."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let so much time pass."""
        self.now += seconds

    @contextmanager
    def rules(self) -> Generator[Clock]:
        """Have every sleep of this process move this clock, and take no time."""
        with mock.patch.object(time, "sleep", self.sleep):
            yield self


class _VirtualLoop(VirtualLoop):
    async def shutdown_default_executor(self, timeout: float | None = None) -> None:  # noqa: ASYNC109 - as asyncio has it
        # Its threads live in real time, which a jump would leave behind.
        del timeout
        await super().shutdown_default_executor()


def run(backend: Backend, main: Callable[[], Awaitable[_T]]) -> _T:
    """Run a test's asynchronous part; `anyio.current_time` is its clock."""

    async def awaited() -> _T:
        return await main()

    if backend == "trio":
        return trio.run(awaited, clock=MockClock(autojump_threshold=0))
    with asyncio.Runner(loop_factory=_VirtualLoop) as runner:
        return runner.run(awaited())


def differences(times: list[float]) -> list[float]:
    """Return what lies between each of `times` and the next."""
    return [after - before for before, after in itertools.pairwise(times)]
