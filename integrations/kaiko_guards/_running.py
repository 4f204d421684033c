"""One request while its application runs: its time, its body, and what its answer is told."""

from __future__ import annotations

import sys
from time import monotonic
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from kaiko_asgi.event_loop import running_loop
from kaiko_guards._deadlines import GRACE, timed_out
from kaiko_guards._standing import LIMIT_HEADERS, limit_headers
from kaiko_guards._waiting import waits_for_thread
from kaiko_middleware import PayloadTooLargeError
from kaiko_middleware.deadline import ends_at
from kaiko_middleware.layers import REQUEST_ID, layers_of

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Task, TimerHandle
    from collections.abc import Awaitable, Callable, Coroutine
    from contextvars import Token

    from kaiko_asgi import ASGIApp, Message, Receive, Scope, Send
    from kaiko_guards._deadlines import Deadline
    from kaiko_guards._request import GuardedRequest
    from kaiko_guards._sizes import Tally
    from kaiko_guards._standing import Standing
    from kaiko_guards._timers import Timers, TimersByLength
    from kaiko_middleware import KaikoError

    Answer = Callable[[Receive, Send, KaikoError], Coroutine[Any, Any, None]]

__all__ = ["Running"]

_NAMES = {name: name.lower().encode("ascii") for name in LIMIT_HEADERS}
_TOLD = frozenset(_NAMES.values())
_BODIES = frozenset({"http.response.body", "http.response.pathsend", "http.response.zerocopysend"})
"""The events that send a part of a body, those of the server's extensions too."""
_HANDSHAKES = frozenset({"websocket.accept", "websocket.close"})
"""The events after which no HTTP answer can follow."""


class _Clock(NamedTuple):
    """What a deadline runs on; `cancelled` says how often the task had been cancelled before."""

    deadline: Deadline
    loop: AbstractEventLoop
    task: Task[Any]
    cancelled: int


class Running:
    """One request on its way through the guards.

    Arguments:
        request: what the guards know of it.
        receive: the server's.
        send: the server's.
        answer: answers with an error, given `receive`, `send` and the error.

    """

    __slots__ = (
        "_answer",
        "_answering",
        "_clock",
        "_is_cancelled",
        "_is_late",
        "_overruns",
        "_request",
        "_send",
        "_timer",
        "_timers",
        "_token",
        "_too_large",
        "receive",
        "standing",
        "started",
        "tally",
    )

    def __init__(
        self, request: GuardedRequest, receive: Receive, send: Send, answer: Answer
    ) -> None:
        self._request = request
        self.receive: Receive = receive
        self._send = send
        self._answer = answer
        self.started: bool = False
        """Whether the head of the answer is out."""
        self.tally: Tally | None = None
        """Counts the body; None where it has no limit."""
        self.standing: Standing | None = None
        """What is left of the limits; None where none governs the request."""
        self._too_large: PayloadTooLargeError | None = None
        self._is_late = False
        self._is_cancelled = False
        self._overruns = False
        self._clock: _Clock | None = None
        self._timer: TimerHandle | None = None
        self._timers: Timers | None = None
        self._answering: Task[None] | None = None
        self._token: Token[float | None] | None = None

    def limit_time(self, deadline: Deadline, seconds: float | None, timers: TimersByLength) -> None:
        """Begin to count the time, where it is limited.

        Without an asyncio loop nothing is ended: `deadline()` tells what is left.
        """
        if seconds is None:
            return
        self._token = ends_at.set(monotonic() + seconds)
        loop = running_loop()
        task = None if loop is None else sys.modules["asyncio"].current_task()
        if loop is not None and task is not None:
            clock = _Clock(deadline, loop, task, task.cancelling())
            found = self._timers = timers.find(loop, seconds)
            if found is None:
                self._timer = loop.call_later(seconds, self.expire)
            else:
                found.add(self)
            self._clock = clock

    def expire(self) -> None:
        """Stop the work: its time is over."""
        clock = cast("_Clock", self._clock)
        self._is_late = True
        self._timers = None
        if waits_for_thread(clock.task):
            self._overrun(clock)
            self._cancel_later(clock)
        else:
            self._timer = clock.loop.call_later(GRACE, self._overrun, clock)
            self._cancel(clock)

    def _cancel(self, clock: _Clock) -> None:
        self._is_cancelled = True
        clock.task.cancel()

    def _cancel_later(self, clock: _Clock) -> None:
        """Cancel what is left of the work, once the thread has ended that it waits for."""
        self._timer = None
        if waits_for_thread(clock.task):
            self._timer = clock.loop.call_later(GRACE, self._cancel_later, clock)
        else:
            self._cancel(clock)

    def _overrun(self, clock: _Clock) -> None:
        """Answer for work that goes on: a thread cannot be stopped."""
        self._timer = None
        self._overruns = True
        clock.deadline.began_to_overrun(self._request)
        if not self.started:
            answer = self._answer(self.receive, self.send_directly, timed_out())
            self._answering = clock.loop.create_task(answer)

    def _lift(self) -> None:
        if self._timers is not None:
            self._timers.drop(self)
            self._timers = None
        elif self._timer is not None and not self._is_late:
            self._timer.cancel()
            self._timer = None

    async def run(self, app: ASGIApp, scope: Scope) -> None:
        """Run the application.

        Raises:
            PayloadTooLargeError: its request has a body that is too large.
            ServiceUnavailableError: it took too long.

        """
        receive = self.receive if self.tally is None else self.take
        error: KaikoError | None = None
        try:
            await app(scope, receive, self.send)
        except BaseException as exc:
            error = self._refused_for(exc)
            self._promise(scope)
            if error is None:
                raise
        else:
            if not self.started:
                error = self._too_large or (timed_out() if self._is_late else None)
        if self._answering is not None:
            await self._answering
        elif error is not None:
            if self.standing is not None:
                error.headers = tuple(limit_headers(self.standing))  # whoever answers it
            raise error

    async def end_late(self, exc: BaseException) -> bool:
        """Return whether the client was answered while a guard still worked, which ended by `exc`.

        Raises:
            ServiceUnavailableError: the guard took too long, and nothing is answered yet.

        """
        error = self._refused_for(exc)
        if self._answering is not None:
            await self._answering
            return True
        if error is not None:
            raise error
        return False

    def _promise(self, scope: Scope) -> None:
        """Have what is answered outside of the guards tell what is left of the limit, too."""
        state: dict[str, Any] = scope.get("state") or {}
        request_id: object = state.get(REQUEST_ID)
        if self.standing is not None and not self.started and isinstance(request_id, str):
            layers_of(state, request_id).promised = tuple(limit_headers(self.standing))

    def _refused_for(self, exc: BaseException) -> KaikoError | None:
        """Return why the application was stopped, where `exc` is how it ended by that."""
        if self._too_large is not None and not self.started:
            return self._too_large
        clock = self._clock
        if clock is not None and self._is_cancelled:
            self._is_cancelled = False
            others = clock.task.uncancel() > clock.cancelled
            if not others and isinstance(exc, sys.modules["asyncio"].CancelledError):
                return timed_out()
        return None

    async def take(self) -> Message:
        """Be the application's `receive`, and count the body."""
        message = await self.receive()
        tally = self.tally
        if tally is not None and message["type"] == "http.request":
            try:
                tally.add(len(message.get("body", b"")))
            except PayloadTooLargeError as error:
                self._too_large = error
                raise
        return message

    # These two return what the server's `send` returns: a coroutine of their own would cost as
    # much as all that they do.

    def send(self, message: Message) -> Awaitable[None]:
        """Be the application's `send`."""
        if self._answering is not None:
            return _nothing()  # the client has its answer
        kind: str = message["type"]
        if kind in _BODIES:
            # What streams has no deadline, and what runs after a whole answer has none either.
            self._lift()
            return self._send(message)
        if (
            self._too_large is not None
            and kind == "http.response.start"
            and message["status"] != self._too_large.status
        ):
            raise self._too_large  # whatever the application makes of it
        return self.send_directly(message)

    def send_directly(self, message: Message) -> Awaitable[None]:
        """Send an event, its head with what is left of the limit."""
        kind: str = message["type"]
        if kind in _HANDSHAKES:
            self.started = True
        elif kind.endswith("response.start"):
            self.started = True
            if self.standing is not None:
                message = _with_limits(message, self.standing)
        return self._send(message)

    def finish(self) -> None:
        """Take note that the request is over."""
        if self._timers is not None:
            self._timers.drop(self)
        elif self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._is_cancelled and self._clock is not None:  # and nobody minded
            self._clock.task.uncancel()
        if self._overruns and self._clock is not None:
            self._clock.deadline.ended_overrun()
        if self._token is not None:
            try:
                ends_at.reset(self._token)
            except ValueError:  # a coroutine that is closed elsewhere has nothing to restore
                pass


async def _nothing() -> None:
    """Send nowhere."""


def _with_limits(message: Message, standing: Standing) -> Message:
    headers: list[tuple[bytes, bytes]] = list(message.get("headers", ()))
    told: set[str] = set()
    for name, _ in headers:
        lower = name.lower()
        if lower in _TOLD:
            told.add(lower.decode("ascii"))
    ours = limit_headers(standing, told)
    headers += [(_NAMES[name], value.encode("ascii")) for name, value in ours]
    return {**message, "headers": headers}
