"""Deadlines and threads: nothing stops a thread, so what goes on is counted, and a hook is told."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import anyio.to_thread
import pytest
from asgiref.sync import sync_to_async
from django.http import HttpResponse
from starlette.concurrency import run_in_threadpool

from adapters.asgi.apps import answers, error_of
from adapters.asgi.server import ask
from adapters.django.stacks import STACKS
from guards.test_asgi import alone, in_envelope
from guards.test_django import project
from guards.test_memory import Clock
from guards.test_wsgi import alone as alone_wsgi
from guards.test_wsgi import ask as ask_wsgi
from kaiko_guards import Deadline, deadline

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from kaiko_asgi import Receive, Scope, Send
    from kaiko_guards import GuardedRequest

SYNCHRONOUS = [stack for stack in STACKS if not stack.asgi]
ASYNCHRONOUS = [stack for stack in STACKS if stack.asgi]


class Blocked:
    """Work that goes on until the hook has been told of it."""

    def __init__(self, seconds: float = 0.1) -> None:
        self.go_on = threading.Event()
        self.told: list[tuple[str, int]] = []
        self.guard = Deadline(seconds, on_overrun=self._take_note)

    def _take_note(self, request: GuardedRequest) -> None:
        self.told.append((request.path, self.guard.overrunning))
        self.go_on.set()

    def work(self) -> None:
        """Work, in a thread."""
        assert self.go_on.wait(30)


async def _by_asgiref(work: Callable[[], None]) -> None:
    await sync_to_async(work)()


@pytest.mark.parametrize(
    "in_thread", [run_in_threadpool, anyio.to_thread.run_sync, asyncio.to_thread, _by_asgiref]
)
@pytest.mark.parametrize("stack", [alone, in_envelope], ids=["alone", "in_envelope"])
def test_a_thread_of_a_pool_goes_on(
    stack: Any, in_thread: Callable[[Callable[[], None]], Awaitable[None]]
) -> None:
    """Whoever made it; the client does not wait for it, and what follows is cancelled."""
    blocked = Blocked()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await in_thread(blocked.work)
        await asyncio.sleep(30)
        await answers()(scope, receive, send)

    answer = ask(stack(app, [blocked.guard]))
    assert (answer.status, error_of(answer)["code"]) == (503, "timeout")
    assert blocked.told == [("/", 1)]
    assert blocked.guard.overrunning == 0


@pytest.mark.parametrize("stack", [alone, in_envelope], ids=["alone", "in_envelope"])
def test_what_fails_once_its_thread_ends_is_a_bug(
    stack: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client has its answer, and nothing was cancelled that could have failed so."""
    monkeypatch.setattr("kaiko_guards._late.GRACE", 30)
    blocked = Blocked()

    async def app(_scope: Scope, _receive: Receive, _send: Send) -> None:
        await asyncio.to_thread(blocked.work)
        raise LookupError("a bug")

    answer = ask(stack(app, [blocked.guard]))
    assert (answer.status, error_of(answer)["code"]) == (503, "timeout")
    assert type(answer.raised) is LookupError
    assert blocked.guard.overrunning == 0


@pytest.mark.parametrize("stack", ASYNCHRONOUS, ids=lambda stack: stack.name)
def test_a_synchronous_view_of_an_asynchronous_stack_goes_on(stack: Any) -> None:
    """asgiref waits for it no more, and so its thread is watched."""
    blocked = Blocked()

    def view(_request: Any) -> HttpResponse:
        blocked.work()
        return HttpResponse("late")

    answer = stack.ask(project(view, blocked.guard))
    assert (answer.status, error_of(answer)["code"]) == (503, "timeout")
    assert blocked.told == [("/x", 1)]
    assert blocked.guard.overrunning == 0


@pytest.mark.parametrize("stack", ASYNCHRONOUS, ids=lambda stack: stack.name)
def test_an_asynchronous_view_leaves_nothing(stack: Any) -> None:
    """It is cancelled."""
    blocked = Blocked()

    async def view(_request: Any) -> HttpResponse:
        await anyio.sleep(30)
        return HttpResponse("late")

    assert stack.ask(project(view, blocked.guard)).status == 503
    assert (blocked.told, blocked.guard.overrunning) == ([], 0)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of deadlines, which stands still."""
    made = Clock()
    monkeypatch.setattr("kaiko_guards._deadlines.monotonic", made)
    monkeypatch.setattr("kaiko_middleware.deadline.time.monotonic", made)
    return made


class Late:
    """A view that is late, and what is known of it meanwhile."""

    def __init__(self, clock: Clock) -> None:
        self.told: list[str] = []
        self.guard = Deadline(5, on_overrun=lambda request: self.told.append(request.path))
        self.seen: list[tuple[float | None, int]] = []
        self._clock = clock

    def work(self, seconds: float) -> None:
        """Take so long."""
        for part in (seconds / 2, seconds / 2):
            self._clock.now += part
            self.seen.append((deadline(), self.guard.overrunning))

    def check(self) -> None:
        """Check what was known of one request in time, and one of eight seconds."""
        assert self.seen == [(4.0, 0), (3.0, 0), (1.0, 0), (0.0, 1)]
        assert self.told == ["/x"]
        assert self.guard.overrunning == 0
        assert deadline() is None


def test_a_wsgi_application_that_is_late_is_counted(clock: Clock) -> None:
    """It goes on, its answer goes out, and the hook is told then."""
    late = Late(clock)
    takes = iter([2.0, 8.0])

    def app(_environ: Any, start_response: Any) -> list[bytes]:
        late.work(next(takes))
        start_response("200 OK", [])
        return [b"done"]

    served = alone_wsgi(app, [late.guard])
    assert [ask_wsgi(served, "/x")[0] for _ in range(2)] == [200, 200]
    late.check()


@pytest.mark.parametrize("stack", SYNCHRONOUS, ids=lambda stack: stack.name)
def test_a_synchronous_stack_that_is_late_is_counted(stack: Any, clock: Clock) -> None:
    """Likewise."""
    late = Late(clock)
    takes = iter([2.0, 8.0])

    def view(_request: Any) -> HttpResponse:
        late.work(next(takes))
        return HttpResponse("done")

    served = project(view, late.guard)
    assert [stack.ask(served).status for _ in range(2)] == [200, 200]
    late.check()


def test_a_wsgi_application_that_fails_late_is_counted(clock: Clock) -> None:
    """And its own error is what its client is told."""
    late = Late(clock)

    def app(*_args: object) -> list[bytes]:
        late.work(8.0)
        raise ValueError("secret")

    with pytest.raises(ValueError, match="secret"):
        ask_wsgi(alone_wsgi(app, [late.guard]))
    assert (late.told, late.guard.overrunning) == (["/"], 0)
