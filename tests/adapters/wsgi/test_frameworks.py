"""Views that misbehave on Bottle, Falcon, Pyramid and Flask: no answer is lost, none is spoilt."""

from __future__ import annotations

import io
import json
import logging
from typing import TYPE_CHECKING, Any
from wsgiref.util import FileWrapper

import pytest

from adapters.wsgi.on_frameworks import FRAMEWORKS, on_bottle, on_falcon
from adapters.wsgi.server import Server, make_environ
from kaiko_middleware import ConflictError, current_request_id
from kaiko_middleware.conformance import check_answer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from adapters.asgi.server import Answer
    from kaiko_wsgi import KaikoMiddleware

    On = Callable[[Any], KaikoMiddleware]

TEXT = [("Content-Type", "text/plain")]
EVENTS = [("Content-Type", "text/event-stream")]

on_each = pytest.mark.parametrize("on", FRAMEWORKS, ids=lambda on: on.__name__)


class Body:
    """A body that knows how often it was closed; `fails_at` says before which chunk it fails."""

    def __init__(
        self, *chunks: bytes, fails: Exception | None = None, close: Exception | None = None
    ) -> None:
        self.chunks, self.fails, self.failing_close = chunks, fails, close
        self.closed = 0

    def __iter__(self) -> Iterator[bytes]:
        yield from self.chunks
        if self.fails is not None:
            raise self.fails

    def close(self) -> None:
        """Be closed."""
        self.closed += 1
        if self.failing_close is not None:
            raise self.failing_close


def ask(on: On, *answer: Any, **request: Any) -> Answer:
    """Serve one request of a view that returns `answer`, or raises it."""

    def view() -> Any:
        if isinstance(answer[0], Exception):
            raise answer[0]
        return answer

    headers = [("Origin", "http://else.where"), *request.pop("headers", ())]
    server = Server()
    served = server.serve(on(view), make_environ("/x", headers=headers, **request))
    assert current_request_id() is None
    return served


def check(answer: Answer, status: int, code: str) -> None:
    """Check that an answer is a whole envelope."""
    assert check_answer(answer.status, answer.headers, answer.body) == []
    assert (answer.status, json.loads(answer.body)["error"]["code"]) == (status, code)
    assert answer.whole


@on_each
def test_a_typed_error_has_what_the_framework_adds(
    on: On, caplog: pytest.LogCaptureFixture
) -> None:
    """A browser can read it, and it is logged once."""
    caplog.set_level(logging.INFO)
    answer = ask(on, ConflictError("It is taken"))
    check(answer, 409, "conflict")
    assert answer.all("access-control-allow-origin") == ["*"]
    assert "X-Request-ID" in answer.all("access-control-expose-headers")[0]
    assert answer.raised is None
    assert [record.levelname for record in caplog.records] == ["INFO"]


@on_each
def test_a_bug_is_logged_once_with_its_traceback(on: On, caplog: pytest.LogCaptureFixture) -> None:
    """Whoever catches it."""
    bug = LookupError("secret")
    check(ask(on, bug), 500, "internal")
    (record,) = [each for each in caplog.records if each.name.startswith("kaiko")]
    assert record.exc_info
    assert record.exc_info[1] is bug


@on_each
@pytest.mark.parametrize("status", [200, 409])
def test_a_body_is_closed_once(on: On, status: int) -> None:
    """Whether it is sent or replaced."""
    body = Body(b"Taken", b" away")
    answer = ask(on, status, TEXT, body)
    assert (answer.status, answer.raised, body.closed) == (status, None, 1)
    said = json.loads(answer.body)["error"]["message"] if status == 409 else answer.body.decode()
    assert said == "Taken away"


@on_each
@pytest.mark.parametrize("status", [200, 409])
def test_a_body_that_head_leaves_unread(on: On, status: int) -> None:
    """It is closed as often as without us: Falcon drops it."""
    body, without = Body(b"Taken"), Body(b"Taken")
    answer = ask(on, status, TEXT, body, method="HEAD")
    app = on(lambda: (status, TEXT, without)).app
    Server().serve(app, make_environ("/x", method="HEAD"))
    assert (answer.status, answer.body, answer.raised) == (status, b"", None)
    assert body.closed == without.closed


@on_each
def test_a_body_that_fails_first(on: On) -> None:
    """It gets a clean answer, and is closed once."""
    body = Body(fails=ValueError("secret"))
    answer = ask(on, 200, TEXT, body)
    check(answer, 500, "internal")
    assert isinstance(answer.raised, ValueError)
    assert body.closed <= 1


@on_each
def test_a_body_that_fails_later_is_cut(on: On) -> None:
    """The client sees that it is not whole, and the server what failed."""
    body = Body(b"a", fails=ConflictError("late"))
    answer = ask(on, 200, TEXT, body)
    assert (answer.status, answer.body, answer.whole) == (200, b"a", False)
    assert isinstance(answer.raised, ConflictError)
    assert body.closed == 1


@on_each
def test_an_event_stream_that_fails_ends_with_an_event(on: On) -> None:
    """With the typed error's code."""
    body = Body(b"data: 1\n\n", fails=ConflictError("late"))
    answer = ask(on, 200, EVENTS, body)
    assert answer.body.startswith(b"data: 1\n\nevent: error\ndata: {")
    assert b'"code":"conflict"' in answer.body
    assert (answer.whole, answer.raised, body.closed) == (True, None, 1)


@on_each
def test_a_body_without_a_close(on: On) -> None:
    """An iterator need not have one."""
    assert ask(on, 200, TEXT, iter([b"a", b"b"])).body == b"ab"


@on_each
def test_a_close_that_fails(on: On, caplog: pytest.LogCaptureFixture) -> None:
    """It comes after a whole answer, is logged as that, and reaches the server."""

    def view() -> Any:
        return 200, TEXT, Body(b"ok", close=ValueError("secret"))

    body: Any = on(view)(make_environ("/x"), Server().start_response)
    assert b"".join(body) == b"ok"
    with pytest.raises(ValueError, match="secret"):
        body.close()
    (record,) = [each for each in caplog.records if each.name.startswith("kaiko")]
    assert "raised after the answer" in record.getMessage()
    assert current_request_id() is None


@on_each
@pytest.mark.parametrize("status", [204, 304])
def test_an_answer_without_a_body(on: On, status: int) -> None:
    """It passes, with the id."""
    answer = ask(on, status, [], [])
    assert (answer.status, answer.body, answer.raised) == (status, b"", None)
    assert answer.id


@on_each
@pytest.mark.parametrize("length", ["1", "99"])
def test_a_length_that_lies(on: On, length: str) -> None:
    """An error's is put right; a success's is as it is without us."""
    lie = [*TEXT, ("Content-Length", length)]
    check(ask(on, 409, lie, [b"Taken"]), 409, "conflict")
    answer = ask(on, 200, lie, [b"Taken"])
    assert answer.all("content-length") in ([length], ["5"])
    assert (answer.status, answer.body) == (200, b"Taken")


@on_each
@pytest.mark.parametrize("status", [700, "999 High", "abc", "20 0", "", -1, 99])
def test_a_status_that_is_none(on: On, status: int | str) -> None:
    """No server would send it."""
    check(ask(on, status, TEXT, [b"x"]), 500, "internal")


@on_each
@pytest.mark.parametrize("header", [("X-Bad", "a\r\nSet-Cookie: x"), ("X Bad", "a"), ("X-€", "a")])
def test_a_header_that_is_none(on: On, header: tuple[str, str]) -> None:
    """No server would send it either; the framework may find that first."""
    check(ask(on, 200, [*TEXT, header], [b"x"]), 500, "internal")
    answer = ask(on, 409, [*TEXT, header], [b"x"])
    assert answer.status in {409, 500}
    check(answer, answer.status, "conflict" if answer.status == 409 else "internal")


@on_each
def test_chunks_that_are_no_bytes(on: On) -> None:
    """A framework may encode them; what it lets through is a bug."""
    answer = ask(on, 200, TEXT, [1, 2])
    check(answer, 500, "internal")


@on_each
def test_a_file_goes_the_servers_way(on: On) -> None:
    """The server gets the very wrapper that it offers, if the framework uses it."""

    def view() -> Any:
        return 200, TEXT, io.BytesIO(b"content")

    app, server = on(view), Server()
    environ = make_environ("/x")
    environ["wsgi.file_wrapper"] = FileWrapper
    without: Any = app.app({**environ}, Server().start_response)
    body: Any = app(environ, server.start_response)
    assert isinstance(without, FileWrapper) == (on in {on_bottle, on_falcon})
    assert isinstance(body, FileWrapper) == isinstance(without, FileWrapper)
    assert b"".join(body) == b"content"
    body.close()
    assert server.answer.id
