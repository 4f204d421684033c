"""The middleware as WSGI: any application inside, any server outside, PEP 3333 in between."""

from __future__ import annotations

import io
import json
import sys
from asyncio import CancelledError
from contextvars import ContextVar
from threading import Thread
from typing import TYPE_CHECKING, Any
from wsgiref.handlers import SimpleHandler
from wsgiref.validate import validator

import pytest

from adapters.wsgi.server import Server, make_environ
from kaiko_middleware import Config, NotFoundError, current_request_id
from kaiko_middleware.conformance import check_answer
from kaiko_wsgi import KaikoMiddleware

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from adapters.asgi.server import Answer

LENGTH = [("Content-Length", "2"), ("Content-Type", "text/plain")]
JSON = [("Content-Type", "application/json"), ("Content-Length", "2")]
PLAIN = [("Content-Type", "text/plain")]
EVENTS = [("Content-Type", "text/event-stream")]


def serve(app: Any, config: Config | None = None, **request: Any) -> Answer:
    """Serve one request of a wrapped application."""
    return Server().serve(KaikoMiddleware(app, config), make_environ("/x", **request))


def is_envelope(answer: Answer, status: int, code: str) -> None:
    """Check an answer of ours."""
    assert check_answer(answer.status, answer.headers, answer.body) == []
    assert (answer.status, json.loads(answer.body)["error"]["code"]) == (status, code)
    assert answer.whole


def fails(exc: BaseException) -> Any:
    """Return an application that raises."""

    def app(_environ: Any, _start: Any) -> Any:
        raise exc

    return app


def test_a_head_may_be_given_by_keyword() -> None:
    """PEP 3333 forbids it, and the servers' own `start_response` takes it."""

    def app(_environ: Any, start: Any) -> Any:
        start(status="200 OK", headers=PLAIN)
        start("404 Not Found", headers=PLAIN, exc_info=(LookupError, LookupError(), None))
        return [b"gone"]

    is_envelope(serve(app), 404, "not_found")


@pytest.mark.parametrize("first", ["200 OK", "404 Not Found"])
def test_a_second_head_holds_the_span_no_second_time(
    first: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is let go once, when the last head is sent."""
    told: list[str] = []

    def hold() -> Any:
        told.append("held")
        return lambda: told.append("let go")

    monkeypatch.setattr("kaiko_wsgi.response_driver.hold_end", hold)

    def app(_environ: Any, start: Any) -> list[bytes]:
        start(first, LENGTH)
        try:
            _raise_secret()
        except ValueError:
            start("503 Busy", PLAIN, sys.exc_info())
        return [b"no"]

    is_envelope(serve(app), 503, "service_unavailable")
    assert told == ["held", "let go"]


def _raise_secret() -> None:
    raise ValueError("secret")


def lazily(status: str, headers: list[tuple[str, str]], *chunks: bytes) -> Any:
    """Return an application that starts when its first chunk is asked for."""

    def app(_environ: Any, start: Any) -> Iterator[bytes]:
        start(status, headers)
        yield from chunks

    return app


def answers(status: str, headers: list[tuple[str, str]], *chunks: bytes) -> Any:
    """Return an application that starts when it is called."""

    def app(_environ: Any, start: Any) -> list[bytes]:
        start(status, headers)
        return list(chunks)

    return app


@pytest.mark.parametrize("make", [answers, lazily])
@pytest.mark.parametrize("headers", [LENGTH, PLAIN], ids=["length", "no length"])
def test_success(make: Any, headers: list[tuple[str, str]]) -> None:
    """A success passes with one header more, whenever the application starts."""
    answer = serve(make("200 OK", headers, b"o", b"k"))
    assert (answer.status, answer.body, answer.whole) == (200, b"ok", True)
    assert answer.headers == [*headers, ("X-Request-ID", answer.id)]


@pytest.mark.parametrize(
    "headers",
    [JSON, JSON[::-1], LENGTH, PLAIN, [*JSON, ("Vary", "Accept")], [("content-length", "2")] * 2],
    ids=["JSON", "length first", "text", "no length", "three", "no type"],
)
@pytest.mark.parametrize("status", ["200 OK", "201 Created", "304 Not Modified"])
def test_success_of_a_list(status: str, headers: list[tuple[str, str]]) -> None:
    """A server can count its parts; it is no list, which granian would not close."""
    chunks = [b"o", b"k"]

    def app(_environ: Any, start: Any) -> list[bytes]:
        start(status, headers)
        return chunks

    given = list(headers)
    served = KaikoMiddleware(app)
    for _ in range(2):  # what is known of a head is used the second time
        server = Server()
        body: Any = served(make_environ("/x"), server.start_response)
        assert not isinstance(body, list)
        assert (len(body), list(body), server.started) == (2, chunks, 1)
        assert server.answer.headers == [*given, ("X-Request-ID", current_request_id())]
        body.close()
        assert (chunks, headers, current_request_id()) == ([b"o", b"k"], given, None)


def test_only_so_much_is_kept_of_heads(monkeypatch: pytest.MonkeyPatch) -> None:
    """An application that makes up names and reasons does not fill the memory."""
    monkeypatch.setattr("kaiko_wsgi.known_heads._KEPT", 2)

    def made_up(environ: Any, start: Any) -> list[bytes]:
        start(environ["line"], environ["head"])
        return [b"k"]

    app = KaikoMiddleware(made_up)
    for number in range(4):
        head = [("Content-Type", "image/png"), (f"X-{number}", "a"), (f"Y-{number}", "b")]
        answer = Server().serve(app, make_environ("/x", line=f"200 Fine {number}", head=head))
        assert (answer.status, answer.headers[:-1]) == (200, head)
    known = app.known
    assert (len(known._lines), len(known._names)) == (2, 2)


@pytest.mark.parametrize("name", ["X-Gr\xf6\xdfe", "\u0416", "", "a b", "a:"])
def test_a_name_that_is_none(name: str) -> None:
    """A field whose name no server would send is a bug, each time that it is given."""
    app = KaikoMiddleware(answers("200 OK", [*LENGTH, (name, "1")], b"ok"))
    for _ in range(2):
        is_envelope(Server().serve(app, make_environ("/x")), 500, "internal")


class File(list[bytes]):
    """A server's `wsgi.file_wrapper`."""


@pytest.mark.parametrize(
    "chunks",
    [[b"ok"], [b"o", b"k"], [], File([b"ok"])],
    ids=["one", "two", "none", "file"],
)
def test_a_head_that_the_server_refuses(chunks: list[bytes]) -> None:
    """What it raises is answered and handed on, and its own head is replaced as PEP 3333 says."""
    seen: list[Any] = []

    def server_start(*head: Any) -> Any:
        seen.append(head)
        if len(seen) == 1:
            raise ValueError("secret")
        return None

    def app(_environ: Any, start: Any) -> list[bytes]:
        start("200 OK", LENGTH)
        return chunks

    environ = make_environ("/x")
    environ["wsgi.file_wrapper"] = File
    body: Any = KaikoMiddleware(app)(environ, server_start)
    sent: list[bytes] = []
    with pytest.raises(ValueError, match="secret"):
        sent.extend(body)
    body.close()
    assert [head[0][:3] for head in seen] == ["200", "500"]
    assert seen[1][2][0] is ValueError
    assert current_request_id() is None


def test_a_server_that_refuses_every_head() -> None:
    """There is nothing to answer with, and the id is put back."""

    def server_start(*_head: Any) -> Any:
        raise ValueError("secret")

    with pytest.raises(ValueError, match="secret"):
        KaikoMiddleware(answers("200 OK", LENGTH, b"ok"))(make_environ("/x"), server_start)
    assert current_request_id() is None


def test_closed_elsewhere_and_twice() -> None:
    """A server may close in another thread, whose own id stays what it was; and a second time."""
    app = KaikoMiddleware(answers("200 OK", LENGTH, b"ok"))
    ours: list[str | None] = []

    def elsewhere() -> None:
        body.close()
        ours.append(current_request_id())

    body: Any = app(make_environ("/x"), Server().start_response)
    thread = Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert ours == [None]
    body.close()
    body.close()
    assert current_request_id() is None


@pytest.mark.parametrize("make", [answers, lazily])
@pytest.mark.parametrize("chunks", [(), (b"",)], ids=["none", "empty"])
def test_success_without_a_body(make: Any, chunks: tuple[bytes, ...]) -> None:
    """A head without a body passes as well."""
    answer = serve(make("204 No Content", [], *chunks))
    assert (answer.status, answer.headers, answer.whole) == (
        204,
        [("X-Request-ID", answer.id)],
        True,
    )


@pytest.mark.parametrize("make", [answers, lazily])
def test_error_that_is_returned(make: Any) -> None:
    """An error answer is rewritten, its author's text kept."""
    answer = serve(make("404 Not Found", PLAIN, b"No such", b" thing"))
    is_envelope(answer, 404, "not_found")
    assert json.loads(answer.body)["error"]["message"] == "No such thing"


@pytest.mark.parametrize("make", [answers, lazily])
def test_one_id_header(make: Any) -> None:
    """The application's own id goes."""
    for headers in (LENGTH, PLAIN):
        answer = serve(make("200 OK", [*headers, ("x-request-id", "mine")], b"ok"))
        assert answer.id.startswith("req-")


def test_large_error_is_not_read() -> None:
    """Of an error answer over the limit nothing more is read, and it is closed."""
    asked: list[int] = []
    closed: list[bool] = []

    class Body:
        def __iter__(self) -> Iterator[bytes]:
            for number in range(1000):
                asked.append(number)
                yield b"x" * 10_000

        def close(self) -> None:
            closed.append(True)

    def app(_environ: Any, start: Any) -> Body:
        start("500 Oops", PLAIN)
        return Body()

    is_envelope(serve(app), 500, "internal")
    assert len(asked) < 10
    assert closed == [True]


# --- exceptions -----------------------------------------------------------------------


@pytest.mark.parametrize("wrong", [None, make_environ], ids=["nothing", "another function"])
def test_the_application_is_checked(wrong: Any) -> None:
    """What cannot be called as one is refused when it is given, and so is a wrong config."""
    with pytest.raises(TypeError, match=r"kaiko_wsgi\.KaikoMiddleware takes a WSGI application"):
        KaikoMiddleware(wrong)
    settings: Any = {"reraise": False}
    with pytest.raises(TypeError, match=r"not dict: Config\.from_mapping"):
        KaikoMiddleware(validator(lambda _environ, _start: []), settings)


def test_unmapped_exception_is_raised_again() -> None:
    """It is answered, and then raised where the body ends, for the server to log."""
    answer = serve(fails(ValueError("secret")))
    is_envelope(answer, 500, "internal")
    assert isinstance(answer.raised, ValueError)
    assert current_request_id() is None
    answer = serve(fails(ValueError("secret")), Config(reraise=False))
    is_envelope(answer, 500, "internal")
    assert answer.raised is None


def test_typed_error() -> None:
    """A mapped one is only answered."""
    answer = serve(fails(NotFoundError("typed")))
    is_envelope(answer, 404, "not_found")
    assert answer.raised is None


@pytest.mark.parametrize("exc", [SystemExit(3), KeyboardInterrupt(), CancelledError()], ids=repr)
def test_exit(exc: BaseException) -> None:
    """What ends a process is never swallowed, and answered first."""
    for config in (Config(), Config(reraise=False)):
        answer = serve(fails(exc), config)
        is_envelope(answer, 500, "internal")
        assert answer.raised is exc


def test_generator_exit() -> None:
    """What is no failure propagates at once."""
    exc = GeneratorExit()
    answer = serve(fails(exc))
    assert (answer.status, answer.raised) == (0, exc)
    assert current_request_id() is None


def test_group_of_exits() -> None:
    """A group is answered if all of it is."""
    group = BaseExceptionGroup("g", [ValueError("secret"), SystemExit(1)])
    answer = serve(fails(group))
    is_envelope(answer, 500, "internal")
    assert answer.raised is group


@pytest.mark.parametrize("status", ["200 OK", "409 Conflict"])
def test_fails_after_its_head(status: str) -> None:
    """A head that a server still holds is taken back."""

    def app(_environ: Any, start: Any) -> Any:
        start(status, [*LENGTH, ("Vary", "Origin")])
        raise NotFoundError("typed")

    answer = serve(app)
    is_envelope(answer, 404, "not_found")
    assert answer.one("vary") == "Origin"


@pytest.mark.parametrize("headers", [LENGTH, PLAIN], ids=["length", "no length"])
def test_body_fails_first(headers: list[tuple[str, str]]) -> None:
    """A body that fails before its first chunk gets a clean answer."""

    def body() -> Iterator[bytes]:
        raise NotFoundError("typed")
        yield b""

    def app(_environ: Any, start: Any) -> Iterator[bytes]:
        start("200 OK", headers)
        return body()

    is_envelope(serve(app), 404, "not_found")


@pytest.mark.parametrize(
    "headers", [[("Content-Length", "99")], PLAIN], ids=["length", "no length"]
)
def test_body_fails_later(headers: list[tuple[str, str]], caplog: pytest.LogCaptureFixture) -> None:
    """One that fails later is cut, and that is logged once."""

    def body() -> Iterator[bytes]:
        yield b"a"
        raise NotFoundError("typed")

    def app(_environ: Any, start: Any) -> Iterator[bytes]:
        start("200 OK", headers)
        return body()

    answer = serve(app)
    assert (answer.status, answer.body, answer.whole) == (200, b"a", False)
    assert isinstance(answer.raised, NotFoundError)
    (record,) = caplog.records
    assert "cut short" in record.getMessage()


def test_events_end() -> None:
    """Events end with one that says what failed, and the connection is left whole."""

    def body() -> Iterator[bytes]:
        yield b"data: 1\n\n"
        raise ValueError("secret")

    def app(_environ: Any, start: Any) -> Iterator[bytes]:
        start("200 OK", [("Content-Type", "text/event-stream")])
        return body()

    answer = serve(app)
    assert answer.body.startswith(b"data: 1\n\nevent: error\n")
    assert (answer.whole, answer.raised) == (True, None)


def test_head_has_no_body() -> None:
    """The answer to HEAD has the length of GET's, and no body."""
    server = Server()
    answer = server.serve(
        KaikoMiddleware(fails(NotFoundError("typed"))), make_environ(method="HEAD")
    )
    assert server.chunks == []
    assert int(answer.one("content-length")) > 0


# --- what no server would take --------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        ("99 Low", PLAIN),
        ("700 High", PLAIN),
        ("abc", PLAIN),
        ("200 OK", [("X-Bad", "a\0b")]),
        ("200 OK", [*LENGTH, ("X-Bad", "a\r\nb")]),
        ("200 OK", [*LENGTH, ("X-Bad", "\u0416")]),
        ("200 OK", [("Content-Type", "text/event-stream"), ("X-Bad", "\u0416")]),
        ("200 \u0416", LENGTH),
        ("200 O\r\nK", PLAIN),
    ],
)
@pytest.mark.parametrize("make", [answers, lazily])
def test_unsendable_head(make: Any, status: str, headers: list[tuple[str, str]]) -> None:
    """A head that no server would send is a bug, and answered as one, whatever follows."""
    app = make(status, headers, b"ok")
    is_envelope(serve(app), 500, "internal")

    def raising(environ: Any, start: Any) -> Any:
        for _chunk in app(environ, start):
            raise ValueError("secret")

    is_envelope(serve(raising), 500, "internal")


def test_header_of_latin_1() -> None:
    """A value that servers send as latin-1 passes."""
    answer = serve(answers("200 OK", [*LENGTH, ("X-City", "K\xf6ln")], b"ok"))
    assert (answer.status, answer.one("x-city")) == (200, "K\xf6ln")


@pytest.mark.parametrize("headers", [LENGTH, PLAIN], ids=["length", "no length"])
@pytest.mark.parametrize("chunk", ["text", None, 7])
def test_body_that_is_no_bytes(headers: list[tuple[str, str]], chunk: Any) -> None:
    """No server would send it: it is a bug, also where it is written, and is raised."""

    def written(_environ: Any, start: Any) -> list[bytes]:
        start("200 OK", headers)(chunk)
        return []

    for app in (answers("200 OK", headers, chunk), lazily("200 OK", headers, chunk), written):
        answer = serve(app)
        is_envelope(answer, 500, "internal")
        assert isinstance(answer.raised, TypeError)
    answer = serve(lazily("200 OK", PLAIN, b"a", chunk))
    assert (answer.status, answer.body, answer.whole) == (200, b"a", False)


@pytest.mark.parametrize("headers", [LENGTH, PLAIN], ids=["length", "no length"])
@pytest.mark.parametrize("kind", [bytearray, memoryview])
def test_body_that_is_nearly_bytes(headers: list[tuple[str, str]], kind: Any) -> None:
    """Waitress and granian send it, so a service may have one: it goes out as bytes."""

    def written(_environ: Any, start: Any) -> list[bytes]:
        start("200 OK", headers)(kind(b"ok"))
        return []

    def used_again(_environ: Any, start: Any) -> Any:
        start("200 OK", headers)
        buffer = bytearray(b"o")
        yield kind(buffer)
        buffer[:] = b"k"
        yield kind(buffer)

    made = (answers("200 OK", headers, kind(b"ok")), lazily("200 OK", headers, kind(b"ok")))
    for app in (*made, written, used_again):
        answer = serve(app)
        assert (answer.status, answer.body, answer.raised) == (200, b"ok", None)
        assert answer.id
    error = json.dumps({"error": "of a team's own"}).encode()
    is_envelope(serve(answers("404 Not Found", JSON, kind(error))), 404, "not_found")


def test_head_that_a_server_chokes_on() -> None:
    """The standard library's server keeps a head that it refuses: ours replaces it."""
    app = answers("200 OK", [*LENGTH, ("Connection", "close")], b"ok")
    out = io.BytesIO()
    SimpleHandler(io.BytesIO(), out, io.StringIO(), make_environ("/x")).run(KaikoMiddleware(app))
    head, _, body = out.getvalue().partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.0 500 ")
    assert json.loads(body)["error"]["code"] == "internal"


def test_no_answer() -> None:
    """An application that returns without an answer has a bug."""
    is_envelope(serve(lambda *_: []), 500, "internal")
    is_envelope(serve(lambda *_: None), 500, "internal")
    is_envelope(serve(lambda *_: [b"a body before a head"]), 500, "internal")


# --- the rest of PEP 3333 -------------------------------------------------------------


def test_write() -> None:
    """The old way of sending, by what `start_response` returns, passes likewise."""

    def app(_environ: Any, start: Any) -> list[bytes]:
        write = start("200 OK", PLAIN)
        write(b"a")
        write(b"b")
        return [b"c"]

    answer = serve(app)
    assert (answer.status, answer.body) == (200, b"abc")
    assert answer.id


def test_write_of_known_length() -> None:
    """Also where the head needs no look."""

    def app(_environ: Any, start: Any) -> list[bytes]:
        start("200 OK", LENGTH)(b"ok")
        return []

    assert serve(app).body == b"ok"


def test_write_of_an_error() -> None:
    """An error that is written is rewritten."""

    def app(_environ: Any, start: Any) -> list[bytes]:
        start("409 Conflict", PLAIN)(b"It is taken")
        return []

    answer = serve(app)
    is_envelope(answer, 409, "conflict")
    assert json.loads(answer.body)["error"]["message"] == "It is taken"


@pytest.mark.parametrize("headers", [LENGTH, PLAIN], ids=["length", "no length"])
def test_write_where_the_server_has_none(headers: list[tuple[str, str]]) -> None:
    """Granian's `start_response` returns nothing: what is written goes before the body."""

    class Granian(Server):
        def start_response(self, *head: Any) -> Any:
            """Return nothing, and take any number of heads."""
            self.started = 0
            super().start_response(*head[:2])

    def app(_environ: Any, start: Any) -> list[bytes]:
        start("200 OK", headers)(b"o")
        return [b"k"]

    answer = Granian().serve(KaikoMiddleware(app), make_environ("/x"))
    assert (answer.status, answer.body, answer.raised) == (200, b"ok", None)


def test_head_of_an_answer_without_a_body_is_sent_before_the_exception() -> None:
    """Waitress sends no head for an empty chunk, and answers the exception itself."""
    written: list[bytes] = []

    class Waitress(Server):
        def write(self, data: bytes) -> None:
            """Note it."""
            written.append(data)
            super().write(data)

    environ = make_environ("/x", method="HEAD")
    answer = Waitress().serve(KaikoMiddleware(fails(ValueError("bug"))), environ)
    assert (answer.status, type(answer.raised)) == (500, ValueError)
    assert written[0] == b""


each_head = pytest.mark.parametrize(
    "headers", [LENGTH, PLAIN, EVENTS], ids=["length", "no length", "events"]
)


@each_head
@pytest.mark.parametrize("first", [(), (b"",)], ids=["nothing", "empty"])
def test_second_head(
    headers: list[tuple[str, str]], first: tuple[bytes, ...], caplog: pytest.LogCaptureFixture
) -> None:
    """A head that replaces another one while nothing was sent is read like the first."""

    def at_once(_environ: Any, start: Any) -> Iterator[bytes]:
        start("200 OK", headers)
        try:
            _raise_secret()
        except ValueError:
            start("503 Busy", PLAIN, sys.exc_info())
        return iter([b"secret"])

    def lazily(_environ: Any, start: Any) -> Iterator[bytes]:
        start("200 OK", headers)
        yield from first
        try:
            _raise_secret()
        except ValueError:
            start("200 OK", LENGTH, sys.exc_info())
            start("503 Busy", PLAIN, sys.exc_info())
        yield b"secret"

    for app in (at_once, lazily):
        caplog.clear()
        is_envelope(serve(app), 503, "service_unavailable")
        assert len(caplog.records) == 1


@each_head
def test_head_is_there_when_the_call_returns(headers: list[tuple[str, str]]) -> None:
    """Some servers read it at that moment: it is there for streams, lazy starts and failures."""

    def fails_first(_environ: Any, start: Any) -> Iterator[bytes]:
        start("200 OK", headers)
        raise NotFoundError("typed")
        yield b""

    apps = (answers("201 Made", headers, b"", b"ok"), lazily("201 Made", headers, b"", b"ok"))
    failed = 200 if headers is EVENTS else 404
    for app, status in (*((app, 201) for app in apps), (fails_first, failed)):
        server = Server()
        body: Any = KaikoMiddleware(app)(make_environ("/x"), server.start_response)
        assert (server.answer.status, server.started) == (status, 1)
        assert server.answer.id
        assert ([chunk for chunk in body if chunk] == [b"ok"]) == (status == 201)
        body.close()


def test_events_have_their_head_before_the_first() -> None:
    """An event stream's first event is not waited for."""
    server = Server()

    def body() -> Iterator[bytes]:
        raise AssertionError("asked for")
        yield b""

    def app(_environ: Any, start: Any) -> Iterator[bytes]:
        start("200 OK", EVENTS)
        return body()

    given: Any = KaikoMiddleware(app)(make_environ("/x"), server.start_response)
    given.close()
    assert server.started == 1


def test_second_head_after_the_first_chunk() -> None:
    """Later, the server raises what it is given, and the answer is cut."""

    def app(_environ: Any, start: Any) -> Iterator[bytes]:
        start("200 OK", PLAIN)
        yield b"a"
        try:
            _raise_secret()
        except ValueError:
            start("503 Busy", PLAIN, sys.exc_info())

    answer = serve(app)
    assert (answer.status, answer.whole) == (200, False)
    assert isinstance(answer.raised, ValueError)


def test_second_head_for_one_that_no_server_takes(caplog: pytest.LogCaptureFixture) -> None:
    """It is read like any other, and the first one is forgotten."""

    def app(_environ: Any, start: Any) -> list[bytes]:
        start("700 High", PLAIN)
        try:
            _raise_secret()
        except ValueError:
            start("409 Conflict", PLAIN, sys.exc_info())
        return [b"It is taken"]

    with caplog.at_level("INFO"):
        is_envelope(serve(app), 409, "conflict")
    assert len(caplog.records) == 1


def test_second_head_after_our_answer() -> None:
    """What our answer replaced cannot come back."""

    def app(_environ: Any, start: Any) -> Iterator[bytes]:
        start("200 OK", [*EVENTS, ("X-Bad", "a\0b")])
        yield b"data: 1\n\n"
        start("409 Conflict", PLAIN, (None, None, None))

    is_envelope(serve(app), 500, "internal")


@each_head
@pytest.mark.parametrize("chunks", [(), (b"ok",)])
def test_close_that_fails(
    headers: list[tuple[str, str]], chunks: tuple[bytes, ...], caplog: pytest.LogCaptureFixture
) -> None:
    """It comes after a whole answer, is logged as that, and reaches the server."""

    class Body:
        def __iter__(self) -> Iterator[bytes]:
            return iter(chunks)

        def close(self) -> None:
            raise ValueError("secret")

    def app(_environ: Any, start: Any) -> Body:
        start("200 OK", [] if headers is LENGTH else headers)
        return Body()

    body: Any = KaikoMiddleware(app)(make_environ("/x"), Server().start_response)
    assert list(body) == list(chunks)
    with pytest.raises(ValueError, match="secret"):
        body.close()
    (record,) = caplog.records
    assert "raised after the answer" in record.getMessage()
    assert current_request_id() is None


def test_close_that_fails_early(caplog: pytest.LogCaptureFixture) -> None:
    """Of a body that was not read to its end, only the server hears it."""

    class Body(list[bytes]):
        def close(self) -> None:
            raise ValueError("secret")

    def app(_environ: Any, start: Any) -> Body:
        start("200 OK", LENGTH)
        return Body([b"o", b"k"])

    body: Any = KaikoMiddleware(app)(make_environ("/x"), Server().start_response)
    assert next(iter(body)) == b"o"
    with pytest.raises(ValueError, match="secret"):
        body.close()
    assert (caplog.records, current_request_id()) == ([], None)


@pytest.mark.parametrize(
    "app",
    [
        answers("200 OK", LENGTH, b"ok"),
        answers("200 OK", PLAIN, b"ok"),
        answers("404 Not Found", PLAIN, b"ok"),
        fails(NotFoundError("typed")),
    ],
    ids=["length", "no length", "error", "raised"],
)
def test_validator(app: Any) -> None:
    """Python's own checker of PEP 3333 finds nothing, on the server's side."""
    # Its own environ check wants the input to be what it wraps.
    wrapped = validator(KaikoMiddleware(app))
    body: Any = wrapped(make_environ("/x"), lambda *_: lambda _data: None)
    try:
        assert b"".join(body)
    finally:
        body.close()


def test_uncovered_path() -> None:
    """A path that is left out meets the application itself."""
    calls: list[object] = []

    def app(_environ: Any, start: Any) -> list[bytes]:
        calls.append(start)
        start("404 Not Found", PLAIN)
        return [b"mine"]

    server = Server()
    wrapper = KaikoMiddleware(app, Config(paths=["/v2"]))
    answer = server.serve(wrapper, make_environ("/x"))
    assert (answer.status, answer.headers, answer.body) == (404, PLAIN, b"mine")
    assert calls == [server.start_response]


@pytest.mark.parametrize("path", ["/v2", "/v2/x", "/v2x", "/api/v2"])
def test_paths_are_below_the_script_name(path: str, caplog: pytest.LogCaptureFixture) -> None:
    """What the application's router matches counts; the log has the whole path."""
    app = KaikoMiddleware(fails(NotFoundError()), Config(paths=["/v2"]))
    with caplog.at_level("INFO"):
        answer = Server().serve(app, make_environ(path, SCRIPT_NAME="/api"))
    if path.startswith("/v2") and path != "/v2x":
        is_envelope(answer, 404, "not_found")
        assert getattr(caplog.records[0], "path", None) == f"/api{path}"
    else:
        assert isinstance(answer.raised, NotFoundError)
        assert not caplog.records


@pytest.mark.parametrize("headers", [LENGTH, PLAIN], ids=["length", "no length"])
@pytest.mark.parametrize("status", ["200 OK", "404 Not Found"])
def test_file_wrapper(headers: list[tuple[str, str]], status: str) -> None:
    """A file goes the server's own way, unless it is an error that is rewritten."""
    closed: list[bool] = []

    class Wrapper:
        def __init__(self, chunks: list[bytes]) -> None:
            self.chunks = chunks

        def __iter__(self) -> Iterator[bytes]:
            return iter(self.chunks)

        def close(self) -> None:
            closed.append(True)

    def app(environ: Any, start: Any) -> Wrapper:
        start(status, headers)
        wrapper: Wrapper = environ["wsgi.file_wrapper"]([b"ok"])
        return wrapper

    server = Server()
    environ = make_environ("/x")
    environ["wsgi.file_wrapper"] = Wrapper
    body: Any = KaikoMiddleware(app)(environ, server.start_response)
    assert isinstance(body, Wrapper) == status.startswith("200")
    content = b"".join(body)
    body.close()
    assert closed == [True]
    assert current_request_id() is None
    assert (content == b"ok") == status.startswith("200")


def test_wrapped_twice() -> None:
    """A middleware inside another one has the outer one's id, and is reported once."""
    inner = KaikoMiddleware(fails(NotFoundError("typed")))
    answer = serve(inner)
    is_envelope(answer, 404, "not_found")
    seen: list[object] = []

    def app(environ: Any, start: Any) -> list[bytes]:
        seen.append(environ["kaiko.request_id"])
        start("200 OK", LENGTH)
        return [b"ok"]

    answer = serve(KaikoMiddleware(app))
    assert seen == [answer.id]


def test_uncovered_call_in_process() -> None:
    """A path that is left out does not see its caller's id, whatever becomes of it."""
    config = Config(paths=["/v2"])

    def outer(_environ: Any, start: Any) -> list[bytes]:
        with pytest.raises(ValueError, match="secret"):
            KaikoMiddleware(fails(ValueError("secret")), config)(make_environ("/x"), start)
        server = Server()

        def inner(_environ: Any, start: Any) -> list[bytes]:
            start("200 OK", LENGTH)
            return [str(current_request_id())[:2].encode()]

        assert server.serve(KaikoMiddleware(inner, config), make_environ("/x")).body == b"No"
        start("200 OK", PLAIN)
        return [str(current_request_id()).encode()]

    answer = serve(outer)
    assert answer.body.decode() == answer.id


@pytest.mark.parametrize(
    "config", [Config(), Config(trust_request_id=True)], ids=["own", "trusted"]
)
@pytest.mark.parametrize("kind", [list, iter], ids=["whole", "stream"])
def test_call_in_process(config: Config, kind: Callable[[list[bytes]], Iterable[bytes]]) -> None:
    """Neither request sees the other's id, though the caller holds the answer open."""
    seen: list[str | None] = []

    class Body:
        def __iter__(self) -> Iterator[bytes]:
            for chunk in kind([b"o", b"k"]):
                seen.append(current_request_id())
                yield chunk

        def close(self) -> None:
            seen.append(current_request_id())

    def inner(_environ: Any, start: Any) -> Any:
        seen.append(current_request_id())
        start("200 OK", LENGTH)
        return Body() if kind is iter else [b"ok"]

    def outer(_environ: Any, start: Any) -> list[bytes]:
        server, asked = Server(), make_environ("/x")
        body: Any = KaikoMiddleware(inner, config)(asked, server.start_response)
        ids = {current_request_id()}
        for _ in body:
            ids.add(current_request_id())
        body.close()
        ids.add(current_request_id())
        assert set(seen) == {server.answer.id}
        assert server.answer.id not in ids
        start("200 OK", PLAIN)
        return [str(*ids).encode()]

    answer = Server().serve(KaikoMiddleware(outer, config), make_environ("/x"))
    assert answer.body.decode() == answer.id
    assert current_request_id() is None


def test_second_head_without_a_reason() -> None:
    """A second head without `exc_info` is the application's bug: the server refuses it."""

    def app(_environ: Any, start: Any) -> list[bytes]:
        start("200 OK", LENGTH)
        start("200 OK", LENGTH)
        return [b"ok"]

    answer = serve(app)
    is_envelope(answer, 500, "internal")


def test_generator_exit_in_a_body() -> None:
    """What is no failure propagates from a body as well."""

    class Odd(BaseException):
        pass

    def body() -> Iterator[bytes]:
        raise Odd
        yield b""

    def app(_environ: Any, start: Any) -> Iterator[bytes]:
        start("200 OK", PLAIN)
        return body()

    answer = serve(app)
    assert answer.status == 0
    assert isinstance(answer.raised, Odd)


@pytest.mark.parametrize("again", [False, True])
def test_write_into_nothing(*, again: bool) -> None:
    """What is written after our answer is dropped, as a body would be, and so is another head."""

    def app(_environ: Any, start: Any) -> list[bytes]:
        write = start("409 Conflict", PLAIN)
        write(b"x" * 70_000)
        if again:
            write = start("200 OK", PLAIN, (None, None, None))
        write(b"more")
        return [b"and more"]

    is_envelope(serve(app), 409, "conflict")


LOCAL: ContextVar[str | None] = ContextVar("LOCAL", default=None)


@pytest.mark.parametrize("status", ["200 OK", "404 Not Found", "500 Internal Server Error"])
def test_context_of_the_head(status: str) -> None:
    """Who is around the application finds its context when the head goes out.

    Flask's is gone when its call returns; OpenTelemetry's instrumentation of it asks for it.
    """
    seen: list[str | None] = []

    def app(_environ: Any, start: Any) -> list[bytes]:
        token = LOCAL.set("request")
        try:
            start(status, PLAIN)
            return [b"ok"]
        finally:
            LOCAL.reset(token)

    def around(environ: Any, start: Any) -> Any:
        def start_response(*head: Any) -> Any:
            seen.append(LOCAL.get())
            return start(*head)

        return KaikoMiddleware(app)(environ, start_response)

    assert Server().serve(around, make_environ("/x")).status == int(status[:3])
    assert seen == ["request"]
