"""The empty last body of event streams and JSON lines is held, until it is known how they end."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import anyio
import pytest
import trio

from adapters.asgi.apps import body, kaiko, said, start
from adapters.asgi.server import Answer, call, http_scope
from adapters.httpx.virtual_time import run
from kaiko_middleware.conformance import check_event_stream, check_json_lines

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from kaiko_asgi import Message, Receive, Scope, Send

_EVENTS = (b"text/event-stream", b"data: 1\n\n")
_LINES = (b"application/x-ndjson", b'{"a":1}\n')
_CHECKS: dict[bytes, Any] = {_EVENTS[0]: check_event_stream, _LINES[0]: check_json_lines}

kinds = pytest.mark.parametrize(("kind", "first"), [_EVENTS, _LINES])


class Stream:
    """Sends a stream with an empty last body, and then does something else.

    Arguments:
        after: what it does then.
        kind: the stream's media type.
        first: its first part; none where it is empty.
        headers: other header fields.

    """

    def __init__(
        self,
        after: Callable[[Receive, Send], Awaitable[object]],
        kind: bytes = _EVENTS[0],
        first: bytes = _EVENTS[1],
        headers: tuple[tuple[bytes, bytes], ...] = (),
    ) -> None:
        self.after = after
        self.head = start(headers=[(b"content-type", kind), *headers])
        self.first = first
        self.sent: list[tuple[float, Message]] = []

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Stream."""
        await send(self.head)
        if self.first:
            await send(body(self.first, more=True))
        await send(body())
        await self.after(receive, send)

    async def serve(self, method: str = "GET") -> Answer:
        """Serve one request; note when each event was sent."""

        def note(message: Message) -> None:
            self.sent.append((anyio.current_time(), message))

        return await call(kaiko(self), http_scope(method=method), on_send=note)

    def ended_after(self, begun: float) -> float:
        """Return when the last body was sent."""
        ((when, _),) = [
            each
            for each in self.sent
            if each[1]["type"] == "http.response.body" and not each[1].get("more_body")
        ]
        return when - begun


async def _raises(_receive: Receive, _send: Send) -> None:
    raise ValueError("secret")


async def _returns(_receive: Receive, _send: Send) -> None:
    pass


def _later(seconds: float, *, fails: bool) -> Callable[[Receive, Send], Awaitable[object]]:
    async def after(_receive: Receive, _send: Send) -> None:
        await anyio.sleep(seconds)
        if fails:
            raise ValueError("secret")

    return after


async def _waits_for_its_client(receive: Receive, _send: Send) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


@kinds
@pytest.mark.parametrize("empty", [False, True])
def test_what_is_raised_after_the_end_is_the_last_event(
    kind: bytes, first: bytes, *, empty: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """One record, and the exception is handed on."""
    answer = asyncio.run(Stream(_raises, kind, b"" if empty else first).serve())
    assert answer.whole
    if empty and kind == _LINES[0]:  # its head is held as well: nothing was sent
        assert answer.status == 500
    else:
        assert answer.status == 200
        assert _CHECKS[kind](answer.body, request_id=answer.id) == []
        assert answer.body.count(b'"error"') == 1
    assert isinstance(answer.raised, ValueError)
    assert [level for level, _ in said(caplog)] == ["ERROR"]


@kinds
@pytest.mark.parametrize("empty", [False, True])
def test_the_end_goes_out_when_the_application_returns(
    kind: bytes, first: bytes, *, empty: bool
) -> None:
    """At once, and once."""
    stream = Stream(_returns, kind, b"" if empty else first)

    async def main() -> tuple[float, Answer]:
        return anyio.current_time(), await stream.serve()

    begun, answer = run("asyncio", main)
    assert (answer.status, answer.body, answer.whole) == (200, b"" if empty else first, True)
    assert stream.ended_after(begun) == 0


def test_an_application_that_waits_for_its_client_does_not_hang() -> None:
    """The client waits for the end, which goes out when the application calls `receive`."""
    stream = Stream(_waits_for_its_client)

    async def main() -> tuple[float, Answer]:
        return anyio.current_time(), await stream.serve()

    begun, answer = run("asyncio", main)
    assert (answer.whole, answer.raised) == (True, None)
    assert stream.ended_after(begun) == 0


@pytest.mark.parametrize(
    ("seconds", "fails", "ended"),
    [(0.09, False, 0.09), (0.09, True, 0.09), (0.5, False, 0.1), (0.5, True, 0.1)],
)
def test_it_is_held_for_a_tenth_of_a_second(
    seconds: float, ended: float, *, fails: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """What is raised before is the last event; what is raised later comes after the answer."""
    stream = Stream(_later(seconds, fails=fails))

    async def main() -> tuple[float, Answer]:
        return anyio.current_time(), await stream.serve()

    begun, answer = run("asyncio", main)
    assert stream.ended_after(begun) == pytest.approx(ended)
    in_time = seconds < 0.1
    assert answer.whole
    assert (b"event: error" in answer.body) is (fails and in_time)
    assert isinstance(answer.raised, ValueError) is fails
    texts = [text for _, text in said(caplog)]
    assert len(texts) == fails
    assert all(("raised after the answer" in text) is not in_time for text in texts)


def test_another_event_lets_it_go() -> None:
    """Trailers, say: what comes later has its place."""

    async def after(_receive: Receive, send: Send) -> None:
        await send({"type": "http.response.trailers", "headers": []})
        raise ValueError("secret")

    answer = asyncio.run(Stream(after).serve())
    kinds_sent = [event["type"].rpartition(".")[2] for event in answer.events]
    assert kinds_sent == ["start", "body", "body", "trailers"]
    assert b"error" not in answer.body
    assert isinstance(answer.raised, ValueError)


def test_trio_holds_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """There is no clock of asyncio's: the end goes out at once, and the failure is late."""
    stream = Stream(_later(0.05, fails=True))

    async def main() -> tuple[float, Answer]:
        return trio.current_time(), await stream.serve()

    begun, answer = run("trio", main)
    assert stream.ended_after(begun) == 0
    assert answer.body == _EVENTS[1]
    ((_, text),) = said(caplog)
    assert "raised after the answer" in text


@pytest.mark.parametrize(
    "header", [(b"content-length", b"9"), (b"content-encoding", b"gzip")], ids=["length", "coding"]
)
def test_an_end_that_has_no_place_for_an_event_is_not_held(header: tuple[bytes, bytes]) -> None:
    """A length was promised, or the bytes are compressed."""
    stream = Stream(_later(0.05, fails=False), headers=(header,))

    async def main() -> tuple[float, Answer]:
        return anyio.current_time(), await stream.serve()

    begun, _ = run("asyncio", main)
    assert stream.ended_after(begun) == 0


def test_an_answer_to_head_is_not_held() -> None:
    """It has no body."""
    stream = Stream(_later(0.05, fails=False))

    async def main() -> tuple[float, Answer]:
        return anyio.current_time(), await stream.serve("HEAD")

    begun, answer = run("asyncio", main)
    assert answer.whole
    assert stream.ended_after(begun) == 0


def test_a_body_that_ends_with_its_last_part_is_not_held() -> None:
    """Only an empty one is: nothing of what the application says is late."""

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send(start(headers=[(b"content-type", _EVENTS[0])]))
        await send(body(_EVENTS[1]))
        await anyio.sleep(0.05)

    times: list[float] = []

    async def main() -> float:
        begun = anyio.current_time()
        await call(kaiko(app), http_scope(), on_send=lambda _: times.append(anyio.current_time()))
        return begun

    begun = run("asyncio", main)
    assert times == [begun, begun]


def test_a_cancelled_one_sends_nothing_more(caplog: pytest.LogCaptureFixture) -> None:
    """Neither at once nor when its time is over."""
    waiting = asyncio.Event()

    async def after(_receive: Receive, _send: Send) -> None:
        waiting.set()
        await asyncio.Event().wait()

    stream = Stream(after)

    async def main() -> None:
        task = asyncio.create_task(stream.serve())
        await waiting.wait()
        task.cancel()
        await asyncio.wait([task])
        await asyncio.sleep(1)

    run("asyncio", main)
    assert [message.get("more_body") for _, message in stream.sent] == [None, True]
    assert said(caplog) == []


def test_a_client_that_left_meanwhile_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    """A server may raise when the end is sent to nobody."""

    def leaves(message: Message) -> None:
        if message["type"] == "http.response.body" and not message.get("more_body"):
            raise OSError("the client left")

    stream = Stream(_later(0.5, fails=False))

    async def main() -> Answer:
        return await call(kaiko(stream), http_scope(), on_send=leaves)

    answer = run("asyncio", main)
    assert answer.raised is None
    assert said(caplog) == []
