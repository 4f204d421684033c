"""An error answer that is given again becomes what it became before, with its own id."""

from __future__ import annotations

import logging
from array import array
from typing import TYPE_CHECKING, Any

import pytest

from adapters.asgi.apps import answers, body, error_of, fail, kaiko, records_of, said, sends, start
from adapters.asgi.server import ask
from kaiko_middleware import Config

if TYPE_CHECKING:
    from kaiko_asgi import ASGIApp, Receive, Scope, Send
    from kaiko_middleware import ErrorReport

_TEXT = (b"content-type", b"text/plain")


def _taken(*more: tuple[bytes, bytes], data: bytes = b"Taken", status: int = 409) -> ASGIApp:
    return answers(status, data, headers=[_TEXT, *more])


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
@pytest.mark.parametrize("status", [400, 401, 404, 429, 500, 503])
def test_each_request_has_its_own_id(
    method: str, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    """And its own record; all else is the same, the cookies too."""
    caplog.set_level(logging.INFO, logger="kaiko")
    app = kaiko(_taken((b"set-cookie", b"a=1"), (b"set-cookie", b"b=2"), status=status))
    seen = [ask(app, method=method) for _ in range(3)]
    assert len({answer.id for answer in seen}) == 3
    assert [vars(record)["request_id"] for record in records_of(caplog)] == [a.id for a in seen]
    assert len({str(answer.without_id()[:2]) for answer in seen}) == 1
    for answer in seen:
        assert answer.all("set-cookie") == ["a=1", "b=2"]
        if method != "HEAD":
            error_of(answer)


def test_what_differs_is_read_anew() -> None:
    """The text, the status, a header."""
    app = kaiko(_taken())
    for _ in range(2):
        for text in (b"Taken", b"Gone"):
            app.app = _taken(data=text)
            assert error_of(ask(app))["message"] == text.decode()
        app.app = _taken(status=404)
        assert error_of(ask(app))["code"] == "not_found"
        app.app = _taken((b"x-own", b"1"))
        assert ask(app).one("x-own") == "1"


def test_hooks_are_told_of_an_error_of_their_own() -> None:
    """They may keep it, or change it."""
    told: list[ErrorReport] = []
    app = kaiko(_taken(), Config(on_error=(told.append,)))
    for _ in range(2):
        ask(app)
    first, second = told
    assert first.error is not second.error
    assert first.error.message == second.error.message == "Taken"


def test_a_wait_until_a_date_is_counted_each_time() -> None:
    """It is another one a moment later."""
    app = kaiko(_taken((b"retry-after", b"Fri, 31 Dec 2100 23:59:59 GMT"), status=429))
    ask(app)
    assert int(ask(app).one("retry-after")) > 0


def test_what_no_server_would_send_is_told_each_time(caplog: pytest.LogCaptureFixture) -> None:
    """The header is dropped, and the log says so."""
    app = kaiko(_taken((b"x-own", b"a\r\nb")))
    for _ in range(2):
        assert ask(app).all("x-own") == []
    dropped = [text for _, text in said(caplog) if "dropped" in text]
    assert len(dropped) == 2


@pytest.mark.parametrize(
    "headers", [[[b"content-type", b"text/plain"]], [(b"x-own", bytearray(b"1"))], [("x", "y")]]
)
@pytest.mark.parametrize(
    "data",
    [
        b"Taken",
        bytearray(b"Taken"),
        memoryview(b"Taken"),
        memoryview(bytearray(b"Taken")),
        memoryview(array("B", b"Taken")).toreadonly(),
    ],
    ids=["bytes", "bytearray", "view", "view of what changes", "view that cannot change it"],
)
def test_anything_may_be_a_header_or_a_body(headers: Any, data: Any) -> None:
    """What cannot be remembered is read each time."""
    app = kaiko(sends(start(409, headers), body(data)))
    for _ in range(2):
        error = error_of(ask(app))
        assert (error["code"], error["message"]) == ("conflict", "Taken")


def test_only_so_many_are_remembered() -> None:
    """A service may put anything in its texts."""
    app = kaiko(_taken())
    for number in range(600):
        app.app = _taken(data=b"No %d" % number)
        assert error_of(ask(app))["message"] == f"No {number}"
    assert len(vars(app.known.answers)["_known"]) <= 256


def test_what_follows_is_dropped(caplog: pytest.LogCaptureFixture) -> None:
    """The answer is whole, and what fails then is late."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await _taken()(scope, receive, send)
        await send(body(b"more"))
        await fail()

    served = kaiko(app)
    for _ in range(2):
        caplog.clear()
        answer = ask(served)
        assert error_of(answer)["message"] == "Taken"
        assert isinstance(answer.raised, ValueError)
        assert "raised after the answer" in said(caplog)[-1][1]


def test_a_head_whose_body_does_not_come_is_answered() -> None:
    """By its status if the application returns, and by the exception if it raises."""

    async def fails(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send(start(409, [_TEXT]))
        await fail()

    assert error_of(ask(kaiko(sends(start(409, [_TEXT])))))["code"] == "conflict"
    assert error_of(ask(kaiko(fails)))["code"] == "internal"


def test_an_answer_in_parts_is_read_each_time() -> None:
    """As middleware sends it."""
    parts = (start(409, [_TEXT]), body(b"Ta", more=True), body(b"ken"))
    app = kaiko(sends(*parts))
    for _ in range(2):
        assert error_of(ask(app))["message"] == "Taken"
