"""How long one task waits at most, by a timer that many share.

`asyncio.timeout` makes a timer for each wait, which is most of what it costs.
"""

from __future__ import annotations

from asyncio import CancelledError
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from asyncio import Task

__all__ = ["Bound"]


class Bound:
    """One wait of a task, which is cancelled when its time is over, as `asyncio.timeout` does.

    Arguments:
        task: the task that waits, which is the one that runs.

    Raises:
        RuntimeError: no task runs: nothing could end what waits.

    """

    __slots__ = ("_cancelled", "_task", "is_over")

    def __init__(self, task: Task[Any] | None) -> None:
        if task is None:
            raise RuntimeError("a wait that is bounded needs a task")
        self._task = task
        self._cancelled = task.cancelling()
        self.is_over: bool = False
        """Whether the task was cancelled here."""

    def expire(self) -> None:
        """Be late."""
        self.is_over = True
        self._task.cancel()

    def ended_by(self, exc: BaseException | None) -> bool:
        """Whether `exc` is how the wait ended because it was cancelled here, and by nobody else."""
        if not self.is_over:
            return False
        others = self._task.uncancel() > self._cancelled
        return not others and isinstance(exc, CancelledError)
