"""Applications that return before their answer is whole, and what is raised once it is."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from adapters.asgi.apps import body, error_of, kaiko, records_of, said, sends, start
from adapters.asgi.server import Answer, RefusedError, ask, call, http_scope
from adapters.asgi.test_disconnects import LeftError
from adapters.httpx.virtual_time import run
from kaiko_middleware import Config, ConflictError
from kaiko_middleware.conformance import check_event_stream, check_json_lines

if TYPE_CHECKING:
    from collections.abc import Callable

    from kaiko_asgi import ASGIApp, Message, Receive, Scope, Send
    from kaiko_middleware import ErrorReport

_EVENTS, _LINES = b"text/event-stream", b"application/x-ndjson"
_CHECKS: dict[bytes, Any] = {_EVENTS: check_event_stream, _LINES: check_json_lines}
_HEADS = {
    "length": start(200, [(b"content-length", b"9")]),
    "text": start(200, [(b"content-type", b"text/csv")]),
    "events": start(200, [(b"content-type", _EVENTS)]),
    "lines": start(200, [(b"content-type", _LINES)]),
}


class _CodedError(ConflictError, code="order_locked"):
    """The order is locked."""


# --- a return half-way ----------------------------------------------------------------


@pytest.mark.parametrize("kind", [_EVENTS, _LINES])
@pytest.mark.parametrize("first", [b"", b"data: 1"])
def test_a_stream_ends_with_its_last_event(
    kind: bytes, first: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """Its client learns that it is not whole, and the log why."""
    head = start(200, [(b"content-type", kind)])
    answer = ask(kaiko(sends(head, body(first, more=True))))
    assert (answer.status, answer.whole, answer.raised) == (200, True, None)
    assert _CHECKS[kind](answer.body, request_id=answer.id) == []
    ((level, text),) = said(caplog)
    assert (level, "returned before the end of its answer" in text) == ("ERROR", True)


@pytest.mark.parametrize("kind", ["length", "text"])
def test_any_other_answer_is_cut_by_the_server(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    """It never ends as if it were whole."""
    answer = ask(kaiko(sends(_HEADS[kind], body(b"half", more=True))))
    assert (answer.status, answer.body, answer.whole) == (200, b"half", False)
    ((level, text),) = said(caplog)
    assert (level, "the answer was cut short" in text) == ("ERROR", True)


_LENGTHS = {
    "plain": [(b"content-type", b"text/csv"), (b"content-length", b"9")],
    "looked at": [(b"Content-Length", b"9"), (b"x-request-id", b"theirs")],
}


@pytest.mark.parametrize("fields", _LENGTHS.values(), ids=_LENGTHS)
def test_an_answer_whose_octets_are_all_out_is_not_cut_short(
    fields: list[tuple[bytes, bytes]], caplog: pytest.LogCaptureFixture
) -> None:
    """The client has it, whatever the application does then."""

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send(start(200, fields))
        for part in (b"1234", b"56789", b""):
            await send(body(part, more=True))
        raise _CodedError

    answer = ask(lowered(kaiko(app)))
    assert (answer.body, answer.whole) == (b"123456789", False)
    assert isinstance(answer.raised, _CodedError)
    ((_, text),) = said(caplog)
    assert "raised after the answer: 409 order_locked" in text


@pytest.mark.parametrize("fields", _LENGTHS.values(), ids=_LENGTHS)
@pytest.mark.parametrize("part", [b"12345678", None])
def test_an_answer_that_lacks_an_octet_is(
    fields: list[tuple[bytes, bytes]], part: object, caplog: pytest.LogCaptureFixture
) -> None:
    """As any other that is left half-way."""

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send(start(200, fields))
        with suppress(TypeError):
            await send({"type": "http.response.body", "body": part, "more_body": True})
        raise _CodedError

    assert ask(lowered(kaiko(app))).whole is False
    ((_, text),) = said(caplog)
    assert "the answer was cut short" in text


@pytest.mark.parametrize("field", [b"content-type", b"x-request-id"], ids=["plain", "looked at"])
@pytest.mark.parametrize("whole", [b"1234", b""])
def test_an_answer_whose_octets_are_all_out_is_ended(
    whole: bytes, field: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """Where the application forgot to; also where there are none."""
    head = start(200, [(b"content-length", b"%d" % len(whole)), (field, b"text/csv")])
    parts = [body(whole, more=True)] if whole else []
    answer = ask(lowered(kaiko(sends(head, *parts))))
    assert (answer.body, answer.whole, said(caplog)) == (whole, True, [])


@pytest.mark.parametrize("part", [bytearray(b"1234"), memoryview(b"1234")])
def test_octets_of_any_kind_are_counted(part: Any, caplog: pytest.LogCaptureFixture) -> None:
    """A server sends them as it sends bytes."""
    head = start(200, [(b"content-length", b"4"), (b"content-type", b"text/csv")])
    answer = ask(kaiko(sends(head, body(part, more=True))))
    assert (answer.whole, said(caplog)) == (True, [])


def lowered(app: ASGIApp) -> ASGIApp:
    """Send header names in lower case, as servers do."""

    async def served(scope: Scope, receive: Receive, send: Send) -> None:
        async def forward(message: Message) -> None:
            headers = [(name.lower(), value) for name, value in message.get("headers", ())]
            await send({**message, "headers": headers} if headers else message)

        await app(scope, receive, forward)

    return served


@pytest.mark.parametrize("kind", sorted(_HEADS))
def test_a_push_in_the_middle_does_not_end_an_answer(
    kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    """It announces another resource, and is no part of this one."""
    push = {"type": "http.response.push", "path": "/style.css", "headers": []}
    answer = ask(kaiko(sends(_HEADS[kind], body(b"half", more=True), push)))
    assert push in answer.events
    assert answer.whole == (kind in {"events", "lines"})
    ((level, text),) = said(caplog)
    assert (level, "returned before the end of its answer" in text) == ("ERROR", True)


def test_a_head_of_known_length_is_out_already(caplog: pytest.LogCaptureFixture) -> None:
    """It is not held; one of unknown length is, and becomes an error."""
    assert not ask(kaiko(sends(_HEADS["length"]))).whole
    ((_, text),) = said(caplog)
    assert "the answer was cut short" in text
    assert error_of(ask(kaiko(sends(_HEADS["text"]))))["code"] == "internal"


def test_a_body_by_another_way_is_whole(caplog: pytest.LogCaptureFixture) -> None:
    """A file's path is all that is sent of it."""
    for head in (_HEADS["length"], _HEADS["text"]):
        assert ask(kaiko(sends(head, {"type": "http.response.pathsend", "path": "/srv/a"}))).whole
    assert said(caplog) == []


# --- because the client left ------------------------------------------------------------


def _waiting(*messages: Message) -> ASGIApp:
    """Return an application that sends these, waits for its client to leave, and returns."""

    async def app(_scope: Scope, receive: Receive, send: Send) -> None:
        for message in messages:
            await send(message)
        while (await receive())["type"] != "http.disconnect":
            pass

    return app


def _swallowing(*messages: Message) -> ASGIApp:
    """Return an application that takes the server's word that its client left, and returns."""

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        with suppress(OSError):
            for message in messages:
                await send(message)

    return app


@pytest.mark.parametrize("kind", ["none", *_HEADS])
def test_an_application_that_is_told_so_has_no_bug(
    kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    """One record at DEBUG, and no hook hears of it."""
    caplog.set_level(logging.DEBUG)
    told: list[ErrorReport] = []
    sent = () if kind == "none" else (_HEADS[kind], body(b"a", more=True))
    answer = ask(kaiko(_waiting(*sent), Config(on_error=(told.append,))), leaves=True)
    assert (answer.whole, answer.raised, told) == (False, None, [])
    assert [level for level, _ in said(caplog)] == ["DEBUG"]


@pytest.mark.parametrize("kind", _HEADS)
@pytest.mark.parametrize("at", [1, 2])
def test_nor_has_one_that_swallows_what_send_raises(
    kind: str, at: int, caplog: pytest.LogCaptureFixture
) -> None:
    """The server is asked whether its client is there."""
    caplog.set_level(logging.DEBUG)
    left = [at]

    def leaving(_message: Message) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise LeftError

    app = kaiko(_swallowing(_HEADS[kind], body(b"a", more=True), body(b"b", more=True)))
    answer = asyncio.run(call(app, http_scope(), body=(), leaves=True, on_send=leaving))
    assert (answer.whole, answer.raised) == (False, None)
    assert [level for level, _ in said(caplog)] == ["DEBUG"]


async def _broken() -> Message:
    raise ValueError("secret")


async def _cancelled() -> Message:
    raise asyncio.CancelledError


def _none() -> Any:
    return None


@pytest.mark.parametrize("receive", [_broken, _cancelled, _none])
def test_a_server_that_cannot_say_is_not_believed_to_have_lost_its_client(
    receive: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """The answer is what it is where the client stays."""
    answer = Answer()

    async def send(message: Message) -> None:
        answer.take(message)

    asyncio.run(_run(kaiko(sends(_HEADS["text"])), receive, send))
    assert error_of(answer)["code"] == "internal"
    assert [level for level, _ in said(caplog)] == ["ERROR"]


async def _run(app: ASGIApp, receive: Receive, send: Send) -> None:
    await app(http_scope(), receive, send)


def test_trio_is_not_asked(caplog: pytest.LogCaptureFixture) -> None:
    """There is no way to ask without waiting."""

    async def main() -> Answer:
        return await call(kaiko(sends()), http_scope())

    assert error_of(run("trio", main))["code"] == "internal"
    assert [level for level, _ in said(caplog)] == ["ERROR"]


# --- what is raised after a whole answer --------------------------------------------------


def _raising(make: Callable[[], Exception], *messages: Message) -> ASGIApp:
    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        for message in messages:
            await send(message)
        raise make()

    return app


@pytest.mark.parametrize("reraise", [True, False])
@pytest.mark.parametrize("make", [_CodedError, ValueError])
@pytest.mark.parametrize("kind", _HEADS)
def test_it_is_logged_as_just_that(
    kind: str, make: Callable[[], Exception], *, reraise: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """With the code of a typed error; the hooks are told, and `reraise=False` keeps it."""
    told: list[ErrorReport] = []
    config = Config(on_error=(told.append,), reraise=reraise)
    answer = ask(kaiko(_raising(make, _HEADS[kind], body(b"data: 1\n\n")), config))
    assert answer.whole
    assert (answer.raised is not None) is reraise
    (record,) = records_of(caplog)
    assert "raised after the answer" in record.getMessage()
    typed = isinstance(make(), ConflictError)
    assert (record.levelname, record.exc_info is None) == ("WARNING" if typed else "ERROR", typed)
    code = "order_locked" if typed else "internal"
    assert (vars(record)["code"], [report.error.code for report in told]) == (code, [code])


@pytest.mark.parametrize("kind", ["length", "text"])
def test_a_body_that_the_server_refuses_is_no_end(
    kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The answer is cut: what the application wanted to say was not sent."""

    def refusing(message: Message) -> None:
        if message.get("body") == b"bad":
            raise RefusedError("a body")

    app = kaiko(sends(_HEADS[kind], body(b"good", more=True), body(b"bad")))
    answer = asyncio.run(call(app, http_scope(), on_send=refusing))
    assert isinstance(answer.raised, RefusedError)
    ((_, text),) = said(caplog)
    assert "the answer was cut short" in text
