"""Answers under way: no byte is delayed or kept, and a failure is told where it can be."""

from __future__ import annotations

import asyncio
import json
import tracemalloc
from typing import TYPE_CHECKING

import pytest
from uvicorn.protocols.utils import ClientDisconnected

from adapters.asgi.apps import body, error_of, fail, kaiko, said, sends, start, streams
from adapters.asgi.loopback import PROTOCOLS, Protocol, connected, fetch, run, serving
from adapters.asgi.server import RefusedError, ask, call, http_scope
from kaiko_middleware import Config, ServiceUnavailableError
from kaiko_middleware.conformance import check_event_stream, check_json_lines

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from adapters.asgi.server import Answer
    from kaiko_asgi import Message, Receive, Scope, Send

_EVENTS = b"text/event-stream"
_LINES = [b"application/x-ndjson", b"application/jsonl", b"Application/JSONL; charset=utf-8"]


async def _down() -> None:
    raise ServiceUnavailableError("The model is down")


@pytest.mark.parametrize("http", PROTOCOLS)
@pytest.mark.parametrize("kind", [_EVENTS, b"text/event-stream; charset=utf-8", *_LINES])
def test_a_failing_stream_tells_its_client(kind: bytes, http: Protocol) -> None:
    """Over a real socket: what came before stays, one last frame says what failed, it is whole."""
    events = kind.startswith(_EVENTS)
    first = b"data: 1\n\n" if events else b'{"a":1}\n'

    async def main() -> Answer:
        async with serving(kaiko(streams(first, _down, kind=kind)), http) as port:
            return await fetch(port)

    answer = run(main())
    assert (answer.status, answer.whole) == (200, True)
    assert answer.body.startswith(first)
    checks = check_event_stream if events else check_json_lines
    assert checks(answer.body, request_id=answer.id) == []
    assert b'"code":"service_unavailable","message":"The model is down"' in answer.body


@pytest.mark.parametrize("http", PROTOCOLS)
@pytest.mark.parametrize(
    "headers",
    [
        [],
        [(b"content-type", b"text/plain")],
        [(b"content-type", b"application/json")],
        [(b"content-type", _EVENTS), (b"content-encoding", b"gzip")],
        [(b"content-type", _EVENTS), (b"content-length", b"50")],
        [(b"content-type", b"application/jsonl"), (b"content-length", b"50")],
    ],
    ids=repr,
)
def test_any_other_failing_answer_is_cut(
    headers: list[tuple[bytes, bytes]], http: Protocol
) -> None:
    """Over a real socket: the client can see that it is not whole, and is told nothing false."""
    app = sends(start(200, headers), body(b"data: 1\n\n", more=True), body(b"", more=True))

    async def failing(scope: Scope, receive: Receive, send: Send) -> None:
        await app(scope, receive, send)
        await fail()

    async def main() -> Answer:
        async with serving(kaiko(failing), http) as port:
            return await fetch(port)

    answer = run(main())
    assert (answer.status, answer.whole) == (200, False)
    assert b"error" not in answer.body


@pytest.mark.parametrize("http", PROTOCOLS)
@pytest.mark.parametrize("kind", [None, b"text/plain", *_LINES])
def test_a_stream_that_fails_before_its_first_chunk_is_an_error(
    kind: bytes | None, http: Protocol
) -> None:
    """Over a real socket: the head was held, and never went out."""

    async def main() -> Answer:
        async with serving(kaiko(streams(_down, kind=kind)), http) as port:
            return await fetch(port)

    answer = run(main())
    assert (answer.status, error_of(answer)["code"]) == (503, "service_unavailable")


@pytest.mark.parametrize("kind", [_EVENTS, b"application/jsonl", b"text/plain"])
def test_no_byte_is_delayed(kind: bytes) -> None:
    """The first chunk is with the client before the second is made."""

    async def main() -> bytes:
        arrived = asyncio.Event()

        async def wait() -> None:
            await arrived.wait()

        app = kaiko(streams(b"data: 1\n\n", wait, b"data: 2\n\n", kind=kind))
        async with serving(app) as port, connected(port) as client:
            client.write()
            answer = await client.head()
            assert answer.id
            assert await client.chunk() == b"data: 1\n\n"
            arrived.set()
            return await client.chunk()

    assert run(main()) == b"data: 2\n\n"


def test_the_head_of_a_stream_of_events_is_not_held() -> None:
    """A browser that waits for events knows at once that it is connected."""

    async def main() -> Answer:
        arrived = asyncio.Event()

        async def wait() -> None:
            await arrived.wait()

        app = kaiko(streams(wait, b"data: 1\n\n", kind=_EVENTS))
        async with serving(app) as port, connected(port) as client:
            client.write()
            answer = await client.head()
            arrived.set()
            answer.body = await client.chunk()
            return answer

    answer = run(main())
    assert (answer.status, answer.body) == (200, b"data: 1\n\n")


def test_it_is_held_on_request() -> None:
    """With `hold_event_streams`, a failure before the first event is a clean error."""
    app = streams(_down, kind=_EVENTS)
    assert ask(kaiko(app)).status == 200
    answer = ask(kaiko(app, Config(hold_event_streams=True)))
    assert error_of(answer)["code"] == "service_unavailable"
    late = ask(kaiko(streams(b"data: 1\n\n", _down, kind=_EVENTS), Config(hold_event_streams=True)))
    assert check_event_stream(late.body, request_id=late.id) == []


@pytest.mark.parametrize(
    ("chunks", "rest"),
    [
        ((), b""),
        ((b"data: 1\n\n",), b""),
        ((b"data: 1\r\n\r\n",), b""),
        ((b"data: 1\n",), b"\n"),
        ((b"data: {",), b"\n\n"),
        ((b"data: 1\n", b"\n"), b""),
        ((b"data: 1\r", b"\n", b"\r", b"\n"), b""),
        ((b"data: 1\n\n", b""), b""),
        ((b"", b"data: 1"), b"\n\n"),
    ],
)
def test_a_half_written_event_is_ended_first(chunks: tuple[bytes, ...], rest: bytes) -> None:
    """However the bytes of it were cut into chunks."""
    answer = ask(kaiko(streams(*chunks, fail, kind=_EVENTS)))
    assert answer.body.startswith(b"".join(chunks) + rest + b"event: error\ndata: {")
    assert answer.whole


def test_a_failure_after_the_end_is_no_part_of_the_stream(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It was whole; what fails then is logged as just that, and handed on."""

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send(start(headers=[(b"content-type", _EVENTS)]))
        await send(body(b"data: 1\n\n"))
        await fail()

    answer = ask(kaiko(app))
    assert (answer.body, answer.whole) == (b"data: 1\n\n", True)
    assert isinstance(answer.raised, ValueError)
    ((level, text),) = said(caplog)
    assert level == "ERROR"
    assert "raised after the answer" in text


@pytest.mark.parametrize("reraise", [True, False])
def test_an_answer_that_is_cut_is_handed_on_whatever_is_configured(*, reraise: bool) -> None:
    """Only the exception tells a server that the answer is not whole."""
    answer = ask(kaiko(streams(b"a", _down, kind=b"text/plain"), Config(reraise=reraise)))
    assert isinstance(answer.raised, ServiceUnavailableError)
    assert not answer.whole


def test_an_answered_exception_is_kept_on_request() -> None:
    """With `reraise=False` a stream's own end is the end of it."""
    app = streams(b"data: 1\n\n", fail, kind=_EVENTS)
    assert isinstance(ask(kaiko(app)).raised, ValueError)
    assert ask(kaiko(app, Config(reraise=False))).raised is None


@pytest.mark.parametrize("kind", [None, _EVENTS, b"application/jsonl"])
@pytest.mark.parametrize("length", [True, False])
def test_a_large_stream_is_not_kept(kind: bytes | None, *, length: bool) -> None:
    """64 MiB pass, and not one of them stays in memory."""
    chunk = b"x" * 65_535 + b"\n"
    count = 1024

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        headers = [(b"content-type", kind)] if kind else []
        if length:
            headers.append((b"content-length", str(count * len(chunk)).encode()))
        await send(start(200, headers))
        for _ in range(count):
            await send(body(chunk, more=True))
        await send(body())

    passed = 0

    async def main() -> None:
        async def send(message: Message) -> None:
            nonlocal passed
            passed += len(message.get("body", b""))

        async def receive() -> Message:
            raise AssertionError

        await kaiko(app)(http_scope(), receive, send)

    tracemalloc.start()
    try:
        asyncio.run(main())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert passed == count * len(chunk)
    assert peak < 2 * 1024 * 1024


def test_a_large_error_is_not_kept_either() -> None:
    """It is answered once it is over what is read, and the rest is dropped as it comes."""
    chunk = b"x" * 65_536

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send(start(400, [(b"content-type", b"text/plain")]))
        for _ in range(256):
            await send(body(chunk, more=True))
        await send(body())

    async def main() -> Answer:
        return await call(kaiko(app), http_scope())

    tracemalloc.start()
    try:
        answer = asyncio.run(main())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert error_of(answer)["code"] == "bad_request"
    assert peak < 2 * 1024 * 1024


@pytest.mark.parametrize("http", PROTOCOLS)
@pytest.mark.parametrize(
    ("fails", "config", "kept"),
    [
        (_down, Config(), True),
        (fail, Config(reraise=False), True),
        (fail, Config(), False),  # as without us: uvicorn closes after an exception it sees
    ],
    ids=["typed", "kept", "raised again"],
)
def test_a_connection_serves_the_next_request_after_an_error(
    fails: Callable[[], Awaitable[None]], config: Config, http: Protocol, *, kept: bool
) -> None:
    """An envelope has its length, so a client can go on where the server does."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/fails":
            await fails()
        await streams(b"ok", kind=b"text/plain")(scope, receive, send)

    async def main() -> list[Answer]:
        async with serving(kaiko(app, config), http) as port, connected(port) as client:
            got: list[Answer] = []
            for path in ("/", "/fails", "/"):
                client.write(path)
                got.append(await client.read())
            return got

    first, failed, last = run(main())
    assert first.body == b"ok"
    assert json.loads(failed.body)["error"]["request_id"] == failed.id
    assert last.body == (b"ok" if kept else b"")


def test_a_stream_may_go_on_as_a_file() -> None:
    """What a server sends from a path, nobody here can end."""

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send(start(200, [(b"content-type", _EVENTS)]))
        await send({"type": "http.response.pathsend", "path": "/srv/events"})
        await fail()

    answer = ask(kaiko(app))
    assert answer.events[-1]["path"] == "/srv/events"
    assert isinstance(answer.raised, ValueError)


def test_a_second_head_in_a_stream_is_refused_as_before() -> None:
    """The server says so, and the stream is ended for the client."""
    head = start(200, [(b"content-type", _EVENTS)])
    answer = ask(kaiko(sends(head, body(b"data: 1\n\n", more=True), head)))
    assert isinstance(answer.raised, RefusedError)
    assert check_event_stream(answer.body, request_id=answer.id) == []


def test_a_client_that_left_hears_no_last_event(caplog: pytest.LogCaptureFixture) -> None:
    """A framework that says so in a stream of events is believed."""

    async def left() -> None:
        raise ClientDisconnected

    answer = ask(kaiko(streams(b"data: 1\n\n", left, kind=_EVENTS)))
    assert (answer.body, answer.whole, answer.raised) == (b"data: 1\n\n", False, None)
    assert said(caplog) == []
