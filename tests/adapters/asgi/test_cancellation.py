"""What is no `Exception`: a cancellation somebody asked for, one that the application made
up, an exit, a generator that is closed; on asyncio and on trio."""

from __future__ import annotations

import asyncio
import contextvars
import logging
from typing import TYPE_CHECKING, Any

import anyio
import pytest
import trio

from adapters.asgi.apps import error_of, kaiko, raises, said, start, streams
from adapters.asgi.server import Answer, ask, call, connect, http_scope, socket_scope
from kaiko_middleware import Config, current_request_id

if TYPE_CHECKING:
    from collections.abc import Callable

    from kaiko_asgi import ASGIApp, Message, Receive, Scope, Send

_EVENTS = b"text/event-stream"


async def _forever(_scope: Scope, _receive: Receive, _send: Send) -> None:
    await anyio.Event().wait()


async def _started_forever(_scope: Scope, _receive: Receive, send: Send) -> None:
    await send(start(200, [(b"content-type", _EVENTS)]))
    await anyio.Event().wait()


async def _accepted_forever(_scope: Scope, _receive: Receive, send: Send) -> None:
    await send({"type": "websocket.accept"})
    await anyio.Event().wait()


class Cancelled:
    """Runs an application, cancels it once it waits, and keeps what was sent."""

    def __init__(self, app: ASGIApp, scope: Scope) -> None:
        self._app = app
        self._scope = scope
        self.sent: list[Message] = []
        self.left: str | None = "nothing"
        self.propagated = False

    async def _serve(self) -> None:
        async def receive() -> Message:
            await anyio.Event().wait()
            raise AssertionError

        async def send(message: Message) -> None:
            self.sent.append(message)

        try:
            await self._app(self._scope, receive, send)
        except anyio.get_cancelled_exc_class():
            self.propagated = True
            self.left = current_request_id()
            raise

    async def main(self) -> None:
        """Cancel it in the way of structured concurrency."""
        async with anyio.create_task_group() as group:
            group.start_soon(self._serve)
            await anyio.wait_all_tasks_blocked()
            group.cancel_scope.cancel()

    async def on_asyncio(self) -> None:
        """Cancel it as a server cancels a task."""
        task = asyncio.ensure_future(self._serve())
        await anyio.wait_all_tasks_blocked()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


_RUNNERS: dict[str, Callable[[Cancelled], None]] = {
    "task.cancel": lambda cancelled: asyncio.run(cancelled.on_asyncio()),
    "anyio": lambda cancelled: asyncio.run(cancelled.main()),
    "trio": lambda cancelled: trio.run(cancelled.main),
}


@pytest.mark.parametrize("how", _RUNNERS)
@pytest.mark.parametrize(
    ("scope", "app", "events"),
    [
        (http_scope, _forever, 0),
        (http_scope, _started_forever, 1),
        (socket_scope, _forever, 0),
        (socket_scope, _accepted_forever, 1),
    ],
    ids=["http", "http-started", "websocket", "websocket-accepted"],
)
def test_a_cancellation_propagates_at_once(
    scope: Callable[[], Scope],
    app: ASGIApp,
    events: int,
    how: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Nothing is sent, nothing is logged as an error, and the context is put back."""
    caplog.set_level(logging.DEBUG)
    cancelled = Cancelled(kaiko(app), scope())
    _RUNNERS[how](cancelled)
    assert cancelled.propagated
    assert len(cancelled.sent) == events
    assert cancelled.left is None
    assert said(caplog) == []


def test_a_timeout_around_the_application_is_a_cancellation() -> None:
    """A server, or a middleware outside of ours, that gives up gets its own TimeoutError."""

    async def main() -> list[Message]:
        sent: list[Message] = []

        async def send(message: Message) -> None:
            sent.append(message)

        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await kaiko(_forever)(http_scope(), _never, send)
        return sent

    async def _never() -> Message:
        raise AssertionError

    assert asyncio.run(main()) == []


def _group(*members: BaseException) -> BaseException:
    return BaseExceptionGroup("g", members)


_RAISED: dict[str, Callable[[], BaseException]] = {
    "cancelled": asyncio.CancelledError,
    "exit": lambda: SystemExit(3),
    "interrupt": KeyboardInterrupt,
    "group of one": lambda: _group(asyncio.CancelledError()),
    "group": lambda: _group(SystemExit(3), _group(ValueError("secret"))),
}


async def _catching(app: ASGIApp, scope: Scope) -> tuple[Answer, BaseException | None]:
    try:
        return await call(app, scope), None
    except BaseException as exc:  # noqa: BLE001 - groups of any kind come out here
        return Answer(), exc


@pytest.mark.parametrize("name", _RAISED)
@pytest.mark.parametrize("reraise", [True, False])
def test_what_the_application_raised_itself_is_answered_and_propagates(
    name: str, *, reraise: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody asked for this cancellation or exit: a 500 goes out, and it is never swallowed."""
    answer = Answer()
    app = kaiko(raises(_RAISED[name]), Config(reraise=reraise))

    async def main() -> BaseException | None:
        async def send(message: Message) -> None:
            answer.take(message)

        try:
            await app(http_scope(), _nothing, send)
        except BaseException as exc:  # noqa: BLE001 - that is what is looked at
            return exc
        return None

    async def _nothing() -> Message:
        raise AssertionError

    raised = asyncio.run(main())
    assert type(raised) is type(_RAISED[name]())
    assert error_of(answer)["code"] == "internal"
    ((level, _),) = said(caplog)
    assert level == "ERROR"


class _ServiceExit(BaseException):
    """Somebody's control flow."""


_OTHERS: dict[str, Callable[[], BaseException]] = {
    "generator": GeneratorExit,
    "other": _ServiceExit,
    "group": lambda: _group(GeneratorExit(), ValueError("secret")),
    "nested": lambda: _group(_group(_ServiceExit())),
}


@pytest.mark.parametrize("scope", [http_scope, socket_scope], ids=["http", "websocket"])
@pytest.mark.parametrize("name", _OTHERS)
def test_other_control_flow_propagates_at_once(
    name: str, scope: Callable[[], Scope], caplog: pytest.LogCaptureFixture
) -> None:
    """It is not ours to answer or to log."""
    sent: list[Message] = []

    async def main() -> BaseException | None:
        async def send(message: Message) -> None:
            sent.append(message)

        try:
            await kaiko(raises(_OTHERS[name]))(scope(), _connects, send)
        except BaseException as exc:  # noqa: BLE001 - that is what is looked at
            return exc
        return None

    async def _connects() -> Message:
        return {"type": "websocket.connect"}

    assert type(asyncio.run(main())) is type(_OTHERS[name]())
    assert sent == []
    assert said(caplog) == []


@pytest.mark.parametrize("scope", [http_scope, socket_scope], ids=["http", "websocket"])
@pytest.mark.parametrize("elsewhere", [False, True])
def test_a_coroutine_that_is_closed_leaves_nothing_behind(
    scope: Callable[[], Scope], *, elsewhere: bool
) -> None:
    """A server that drops a request in mid-air closes it, or leaves that to the collector."""
    coroutine = kaiko(_waits)(scope(), _unused_receive, _unused_send)
    context = contextvars.copy_context()
    if elsewhere:
        context.run(coroutine.send, None)
    else:
        coroutine.send(None)
    coroutine.close()
    assert current_request_id() is None


async def _waits(_scope: Scope, _receive: Receive, _send: Send) -> None:
    await _Pause()


class _Pause:
    def __await__(self) -> Any:
        yield


async def _unused_receive() -> Message:
    raise AssertionError


async def _unused_send(_message: Message) -> None:
    raise AssertionError


async def _cancel() -> None:
    raise asyncio.CancelledError


def test_a_made_up_cancellation_ends_a_stream_of_events() -> None:
    """The client is told, and it propagates."""
    answer = ask(kaiko(streams(b"data: 1\n\n", _cancel, kind=_EVENTS)))
    assert b"event: error" in answer.body
    assert answer.whole
    assert isinstance(answer.raised, asyncio.CancelledError)


@pytest.mark.parametrize("name", ["cancelled", "exit", "interrupt"])
@pytest.mark.parametrize("denial", [True, False])
def test_a_handshake_that_exits_is_refused_and_propagates(name: str, *, denial: bool) -> None:
    """A socket is denied, or closed, before the exit goes on."""
    seen = connect(kaiko(raises(_RAISED[name])), denial=denial)
    assert isinstance(seen.raised, type(_RAISED[name]()))
    if denial:
        assert seen.denial is not None
        assert error_of(seen.denial)["code"] == "internal"
    else:
        assert seen.closed is not None
        assert seen.closed[0] == 1011


# --- trio ----------------------------------------------------------------------------


async def _boom(_scope: Scope, _receive: Receive, _send: Send) -> None:
    raise ValueError("secret")


async def _sleeps(scope: Scope, receive: Receive, send: Send) -> None:
    await trio.lowlevel.checkpoint()
    await streams(b"a", kind=b"text/plain")(scope, receive, send)


@pytest.mark.parametrize(
    ("app", "status"), [(_boom, 500), (_sleeps, 200), (raises(lambda: SystemExit(3)), 500)]
)
def test_it_runs_on_trio(app: ASGIApp, status: int) -> None:
    """Nothing of asyncio is asked for, neither on success nor on failure."""
    answer = trio.run(call, kaiko(app), http_scope())
    assert (answer.status, answer.whole) == (status, True)


def test_a_cancellation_of_asyncio_means_nothing_on_trio() -> None:
    """Where no loop of asyncio runs, nobody can say whose it is: it propagates."""
    answer = trio.run(call, kaiko(raises(asyncio.CancelledError)), http_scope())
    assert answer.events == []
    assert isinstance(answer.raised, asyncio.CancelledError)


def test_a_failing_child_of_a_nursery_is_answered() -> None:
    """Trio's own groups are groups like any other."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_boom, scope, receive, send)
            nursery.start_soon(trio.sleep_forever)

    answer = trio.run(call, kaiko(app), http_scope())
    assert error_of(answer)["code"] == "internal"
    assert isinstance(answer.raised, ExceptionGroup)


def test_without_asyncio_a_cancellation_is_other_control_flow(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A process that never loaded asyncio has none of its cancellations."""
    import sys

    from kaiko_asgi.scope import is_answerable

    monkeypatch.delitem(sys.modules, "asyncio")
    assert not is_answerable(asyncio.CancelledError())
