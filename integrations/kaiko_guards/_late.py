"""Work whose time is over: it is cancelled, and answered for where it goes on."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from kaiko_guards._deadlines import GRACE, timed_out
from kaiko_guards._waiting import waits_for_thread

if TYPE_CHECKING:
    from asyncio import Task, TimerHandle
    from collections.abc import Callable, Coroutine

    from kaiko_guards._deadlines import Deadline
    from kaiko_guards._request import GuardedRequest
    from kaiko_middleware import KaikoError

    Answer = Callable[[KaikoError], Coroutine[Any, Any, None] | None]

__all__ = ["Late"]


class Late:
    """The work for one request, once its time is over.

    Arguments:
        request: the request.
        deadline: how long it might take.
        task: what runs the work.
        cancelled: how often that task had been cancelled before.
        answer: answers with an error; None where an answer is under way.

    """

    __slots__ = (
        "_answer",
        "_cancelled",
        "_deadline",
        "_is_cancelled",
        "_loop",
        "_overruns",
        "_request",
        "_task",
        "_timer",
        "answering",
    )

    def __init__(
        self,
        request: GuardedRequest,
        deadline: Deadline,
        task: Task[Any],
        cancelled: int,
        answer: Answer,
    ) -> None:
        self._request = request
        self._deadline = deadline
        self._task = task
        self._cancelled = cancelled
        self._answer = answer
        self._loop = task.get_loop()
        self._is_cancelled = False
        self._overruns = False
        self._timer: TimerHandle | None = None
        self.answering: Task[None] | None = None
        """Answers the client while the work goes on."""

    def stop_work(self) -> None:
        """Cancel the work, or take note that it goes on: a thread cannot be stopped."""
        if waits_for_thread(self._task):
            self._overrun()
            self._cancel_later()
        else:
            self._timer = self._loop.call_later(GRACE, self._overrun)
            self._cancel()

    def _cancel(self) -> None:
        self._is_cancelled = True
        self._task.cancel()

    def _cancel_later(self) -> None:
        """Cancel what is left of the work, once the thread has ended that it waits for."""
        self._timer = None
        if waits_for_thread(self._task):
            self._timer = self._loop.call_later(GRACE, self._cancel_later)
        else:
            self._cancel()

    def _overrun(self) -> None:
        """Answer for work that goes on."""
        self._timer = None
        self._overruns = True
        self._deadline.began_to_overrun(self._request)
        answer = self._answer(timed_out())
        if answer is not None:
            self.answering = self._loop.create_task(answer)

    def ended_by(self, exc: BaseException) -> bool:
        """Whether `exc` is how the work ended because it was cancelled here, and by nobody else."""
        if not self._is_cancelled:
            return False
        self._is_cancelled = False
        others = self._task.uncancel() > self._cancelled
        return not others and isinstance(exc, sys.modules["asyncio"].CancelledError)

    def finish(self) -> None:
        """Take note that the request is over."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._is_cancelled:  # and nobody minded
            self._task.uncancel()
        if self._overruns:
            self._deadline.ended_overrun()
