"""The client went away: one debug record, no second answer, and no failure mistaken for it."""

from __future__ import annotations

import asyncio
import errno
import functools
import logging
from typing import TYPE_CHECKING

import pytest

from adapters.asgi.apps import answers, body, error_of, kaiko, raises, said, sends, start, streams
from adapters.asgi.server import ask, call, http_scope, open_socket, socket_scope

if TYPE_CHECKING:
    from collections.abc import Callable

    from kaiko_asgi import ASGIApp, Message, Receive, Scope, Send

_LENGTH = (b"content-length", b"4")
_EVENTS = b"text/event-stream"


class LeftError(OSError):
    """What a server raises from `send` once its client has left (ASGI 2.4)."""


def leaving(at: int) -> Callable[[Message], None]:
    """Return what fails at the event of this number."""
    left = at

    def on_send(_message: Message) -> None:
        nonlocal left
        if left <= 0:
            raise LeftError(errno.EPIPE, "Broken pipe")
        left -= 1

    return on_send


_APPS: dict[str, ASGIApp] = {
    "known length": sends(start(200, [_LENGTH]), body(b"ab", more=True), body(b"cd")),
    "unknown length": sends(start(200), body(b"ab", more=True), body(b"cd")),
    "events": streams(b"data: 1\n\n", b"data: 2\n\n", kind=_EVENTS),
    "error": answers(404),
    "bug": raises(lambda: ValueError("secret")),
    "silent": sends(),
}


@pytest.mark.parametrize("at", [0, 1])
@pytest.mark.parametrize("name", _APPS)
def test_a_client_that_left_is_no_error(
    name: str, at: int, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever was being sent: nothing more is, one record at DEBUG says so, nothing is raised."""
    caplog.set_level(logging.DEBUG)
    answer = asyncio.run(call(kaiko(_APPS[name]), http_scope(), on_send=leaving(at)))
    assert len(answer.events) == at
    levels = [level for level, _ in said(caplog)]
    assert levels.count("DEBUG") == 1
    # What the application did wrong before was logged as what it is.
    assert len(levels) == (2 if name in {"error", "bug", "silent"} else 1)
    assert isinstance(answer.raised, ValueError if name == "bug" else type(None))


def test_a_client_that_left_hears_nothing_more_after_a_failure() -> None:
    """A stream of events that fails when nobody listens raises no second failure."""
    app = kaiko(streams(b"data: 1\n\n", _fail, kind=_EVENTS))
    answer = asyncio.run(call(app, http_scope(), on_send=leaving(2)))
    assert len(answer.events) == 2
    assert isinstance(answer.raised, ValueError)


async def _fail() -> None:
    raise ValueError("secret")


def _through(kind: str, send: Send) -> Send:
    """Return a middleware's `send` around `send`, in one of the ways they are made."""

    async def forward(send: Send, message: Message) -> None:
        await send(message)

    class Sender:
        async def method(self, message: Message) -> None:
            await send(message)

        async def __call__(self, message: Message) -> None:
            await send(message)

    made: dict[str, Send] = {
        "partial": functools.partial(forward, send),
        "partial of a partial": functools.partial(functools.partial(forward, send)),
        "method": Sender().method,
        "object": Sender(),
    }
    return made[kind]


@pytest.mark.parametrize("kind", ["partial", "partial of a partial", "method", "object"])
def test_it_is_known_through_a_middleware(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    """However the layer between the server and ours passes its events on."""
    caplog.set_level(logging.DEBUG)

    async def middleware(scope: Scope, receive: Receive, send: Send) -> None:
        await kaiko(_APPS["known length"])(scope, receive, _through(kind, send))

    answer = asyncio.run(call(middleware, http_scope(), on_send=leaving(1)))
    assert answer.raised is None
    assert [level for level, _ in said(caplog)] == ["DEBUG"]


@pytest.mark.parametrize(
    "make",
    [
        lambda: FileNotFoundError(2, "No such file", "/srv/secret"),
        lambda: ConnectionResetError("the database left"),
        lambda: BrokenPipeError("a pipe of ours"),
        lambda: LeftError("somebody else's client left"),
    ],
    ids=["file", "connection", "pipe", "server's class"],
)
@pytest.mark.parametrize("kind", [None, _EVENTS])
def test_a_failure_of_the_applications_own_is_no_disconnect(
    make: Callable[[], Exception], kind: bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    """An OSError that did not come through `send` is a failure like any other."""

    async def fails() -> None:
        raise make()

    for app in (raises(make), streams(b"x", fails, kind=kind), streams(fails, kind=kind)):
        caplog.clear()
        answer = ask(kaiko(app))
        assert type(answer.raised) is type(make())
        ((level, _),) = said(caplog)
        assert level == "ERROR"


def test_a_timeout_of_the_applications_own_is_a_timeout() -> None:
    """A TimeoutError is an OSError, and yet it is an answer of its own."""
    answer = ask(kaiko(raises(lambda: TimeoutError("slow"))))
    assert (answer.status, error_of(answer)["code"]) == (503, "timeout")
    assert answer.raised is None


def test_a_server_without_python_frames_gets_its_error_back() -> None:
    """Where nobody can tell who raised it, a failure is taken for a failure."""

    async def main() -> BaseException | None:
        def send(_message: Message) -> asyncio.Future[None]:
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            future.set_exception(LeftError("gone"))
            return future

        class Compiled:
            __call__ = staticmethod(send)

        async def receive() -> Message:
            raise AssertionError

        try:
            await kaiko(_APPS["known length"])(http_scope(), receive, Compiled())
        except OSError as exc:
            return exc
        return None

    assert isinstance(asyncio.run(main()), LeftError)


# --- sockets -------------------------------------------------------------------------


async def _accepts_and_sends(_scope: Scope, _receive: Receive, send: Send) -> None:
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.send", "text": "1"})


async def _accepts_and_fails(_scope: Scope, _receive: Receive, send: Send) -> None:
    await send({"type": "websocket.accept"})
    raise ValueError("secret")


async def _fails_when_the_client_has_left(_scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "websocket.accept"})
    await receive()
    raise ValueError("secret")


def _socket(app: ASGIApp, at: int) -> tuple[list[str], BaseException | None]:
    events: list[str] = []
    leaves = leaving(at)

    def on_send(message: Message) -> None:
        leaves(message)
        events.append(message["type"].partition(".")[2])

    seen = asyncio.run(open_socket(kaiko(app), socket_scope(), on_send=on_send))
    return events, seen.raised


def test_a_socket_whose_client_left_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    """What a server raises from `send` is noted at DEBUG, and goes no further."""
    caplog.set_level(logging.DEBUG)
    assert _socket(_accepts_and_sends, 1) == (["accept"], None)
    assert [level for level, _ in said(caplog)] == ["DEBUG"]


def test_a_close_that_nobody_hears_hides_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """The failure is logged and raised as what it is, though the socket cannot be closed."""
    caplog.set_level(logging.DEBUG)
    events, raised = _socket(_accepts_and_fails, 1)
    assert events == ["accept"]
    assert isinstance(raised, ValueError)
    assert [level for level, _ in said(caplog)] == ["ERROR", "DEBUG"]


def test_a_socket_that_is_gone_is_not_closed(caplog: pytest.LogCaptureFixture) -> None:
    """Servers refuse events on it; the failure is what counts."""
    events, raised = _socket(_fails_when_the_client_has_left, 9)
    assert events == ["accept"]
    assert isinstance(raised, ValueError)
    assert [level for level, _ in said(caplog)] == ["ERROR"]
