"""One response as a state machine: what is held, what is replaced, and how a stream ends."""

from __future__ import annotations

import gzip
import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest

from kaiko_middleware import Config, ConflictError, NotFoundError, Reply
from kaiko_middleware.conformance import check_answer, check_event_stream, check_json_lines
from kaiko_middleware.content_coding import BODY_LIMIT
from kaiko_middleware.layers import Layers
from kaiko_middleware.pipeline import Pipeline
from kaiko_middleware.render import event_frame, json_line
from kaiko_middleware.report import RequestInfo
from kaiko_middleware.response_head import stream_kind
from kaiko_middleware.response_pieces import Chunk, Head, Piece
from kaiko_middleware.response_state import ResponseState
from unit.support import REQUEST, REQUEST_ID, error_of

if TYPE_CHECKING:
    from collections.abc import Callable

TEXT = ("Content-Type", "text/plain")
JSON = ("Content-Type", "application/json")
SSE = ("Content-Type", "text/event-stream; charset=utf-8")
LINES = ("Content-Type", "application/x-ndjson")
LENGTH = ("Content-Length", "5")
GONE: BaseException = type(
    "ClientDisconnect",
    (Exception,),
    {"__module__": "starlette.requests", "__qualname__": "ClientDisconnect"},
)()


def exchange(
    method: str = "GET",
    *,
    debug: bool = False,
    deferring: bool = False,
    layers: Layers | None = None,
    **settings: Any,
) -> ResponseState:
    """Return a response that has not begun."""
    return ResponseState(
        Pipeline(Config(**settings)),
        REQUEST._replace(method=method),
        framework_debug=debug,
        deferring=deferring,
        layers=layers,
    )


def reply_of(pieces: list[Piece]) -> Reply:
    """Return the whole answer of ours that two pieces are."""
    head, chunk = pieces
    assert isinstance(head, Head)
    assert isinstance(chunk, Chunk)
    assert not head.original
    assert not chunk.more
    return Reply(head.status, head.headers, chunk.body)


def ours_of(pieces: list[Piece], method: str = "GET") -> dict[str, Any]:
    """Return the error of an answer of ours, which conforms."""
    reply = reply_of(pieces)
    assert check_answer(*reply, method=method) == []
    return error_of(reply.body) if reply.body else {}


# --- what is not an error --------------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 201, 301, 304, 399])
def test_a_head_with_a_length_goes_out_at_once(status: int) -> None:
    """And the body passes without a look."""
    response = exchange()
    assert response.start(status, [TEXT, LENGTH]) == [Head(status, (TEXT, LENGTH), original=True)]
    assert response.passing
    assert response.started
    assert response.body(b"he", more=True) == [Chunk(b"he", more=True)]
    assert response.body(b"llo", more=False) == [Chunk(b"llo", more=False)]
    assert response.end() == []


def test_a_head_without_a_length_waits_for_the_first_body() -> None:
    """A generator that fails before its first chunk can still be answered."""
    response = exchange()
    assert response.start(200, [TEXT]) == []
    assert not response.started
    assert response.body(b"a", more=True) == [
        Head(200, (TEXT,), original=True),
        Chunk(b"a", more=True),
    ]
    assert response.passing


@pytest.mark.parametrize(("method", "status"), [("GET", 204), ("GET", 304), ("HEAD", 200)])
@pytest.mark.parametrize("headers", [[], [LENGTH]], ids=["held", "open"])
def test_a_head_that_has_no_body_is_a_whole_answer(
    method: str, status: int, headers: list[tuple[str, str]], log: pytest.LogCaptureFixture
) -> None:
    """Even where the application forgets to say that the body is empty."""
    response = exchange(method)
    pieces = response.start(status, headers)
    assert [*pieces, *response.end()] == [
        Head(status, tuple(headers), original=True),
        Chunk(b"", more=False),
    ]
    assert log.records == []


def test_an_event_stream_is_not_held_unless_that_is_configured() -> None:
    """A client waits for the head to know that it is connected."""
    assert exchange().start(200, [SSE]) == [Head(200, (SSE,), original=True)]
    held = exchange(hold_event_streams=True)
    assert held.start(200, [SSE]) == []
    assert len(held.body(b"data: 1\n\n", more=True)) == 2


def test_json_lines_are_held_until_the_first() -> None:
    """Like any other body."""
    assert exchange().start(200, [LINES]) == []


def test_a_second_head_of_the_applications_is_its_servers_business() -> None:
    """Its server says what is wrong, as it did before."""
    response = exchange()
    response.start(200, [LENGTH])
    assert response.start(200, [LENGTH]) == [Head(200, (LENGTH,), original=True)]


def test_a_head_that_is_still_held_can_be_replaced() -> None:
    """WSGI allows that to error handlers."""
    response = exchange()
    response.start(200, [TEXT])
    assert response.start(404, [TEXT]) == []
    assert ours_of(response.body(b"No such thing", more=False))["message"] == "No such thing"


# --- returned errors -------------------------------------------------------------------------


def test_an_error_answer_is_collected_and_rewritten() -> None:
    """In as many parts as it comes; cookies stay, its length goes."""
    response = exchange()
    assert response.start(409, [JSON, ("Content-Length", "18"), ("Set-Cookie", "a=1")]) == []
    assert response.body(b'{"detail":', more=True) == []
    assert not response.started
    pieces = response.body(b'"Taken"}', more=False)
    assert ours_of(pieces)["message"] == "Taken"
    assert ("Set-Cookie", "a=1") in reply_of(pieces).headers
    assert response.started
    assert not response.passing
    assert response.end() == []


def test_an_error_answer_that_is_never_finished_is_rewritten_at_the_end() -> None:
    """The application returned without a last part."""
    response = exchange()
    response.start(409, [JSON])
    response.body(b'{"detail":"Taken"}', more=True)
    assert ours_of(response.end())["message"] == "Taken"


def test_a_body_that_says_nothing_is_replaced_as_it_begins() -> None:
    """HTML is not waited for."""
    response = exchange()
    response.start(404, [("Content-Type", "text/html")])
    assert ours_of(response.body(b"<h1>", more=True))["code"] == "not_found"
    assert response.body(b"Not Found</h1>", more=False) == []


def test_an_error_body_of_64_kib_is_read_and_one_byte_more_is_not() -> None:
    """To the byte, however it is cut into parts."""
    body = b'{"detail":"Taken"}'.ljust(BODY_LIMIT)
    response = exchange()
    response.start(409, [JSON])
    assert response.body(body[:-1], more=True) == []
    assert ours_of(response.body(body[-1:], more=False))["message"] == "Taken"
    response = exchange()
    response.start(409, [JSON])
    assert response.body(body, more=True) == []
    assert ours_of(response.body(b" ", more=True))["code"] == "conflict"


def test_a_large_error_body_is_not_kept_in_memory() -> None:
    """A hundred megabytes pass through less than one."""
    part = bytes(1_000_000)
    response = exchange()
    response.start(500, [JSON])
    tracemalloc.start()
    try:
        pieces = [piece for _ in range(100) for piece in response.body(part, more=True)]
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert ours_of(pieces)["code"] == "internal"
    assert peak < 300_000


def test_a_compressed_error_is_read() -> None:
    """A wrapper outside of a compressing middleware sees this."""
    response = exchange()
    response.start(409, [JSON, ("Content-Encoding", "gzip")])
    pieces = response.body(gzip.compress(b'{"detail":"Taken"}'), more=False)
    assert ours_of(pieces)["message"] == "Taken"


def test_rewriting_can_be_switched_off() -> None:
    """The answer then passes, its head held until its body."""
    response = exchange(rewrite_answers=False)
    assert response.start(404, [TEXT]) == []
    assert response.body(b"theirs", more=False) == [
        Head(404, (TEXT,), original=True),
        Chunk(b"theirs", more=False),
    ]
    failing = exchange(rewrite_answers=False)
    failing.start(500, [TEXT])
    assert ours_of(failing.fail(NotFoundError()).pieces)["code"] == "not_found"


@pytest.mark.parametrize("status", [99, 0, -1, 600, 700, 999, "200", None])
def test_a_status_that_no_server_would_send_is_a_500(
    status: Any, log: pytest.LogCaptureFixture
) -> None:
    """It would drop the connection, or stop the server."""
    response = exchange()
    assert ours_of(response.start(status, []))["code"] == "internal"
    assert response.body(b"x", more=False) == []
    assert response.start(200, []) == []
    assert len(log.records) == 1
    assert log.records[0].levelname == "ERROR"


BAD_HEADERS: list[tuple[Any, Any]] = [
    ("X-Own", "a\r\nb"),
    ("X Own", "a"),
    ("X-Own", "☃"),
    ("X-Own", 5),
]


@pytest.mark.parametrize("pair", BAD_HEADERS, ids=ascii)
def test_a_header_that_no_server_would_send_is_a_500_on_a_success(pair: tuple[Any, Any]) -> None:
    """On an error it is dropped, and the error answered."""
    assert ours_of(exchange().start(200, [pair]))["code"] == "internal"
    response = exchange()
    assert response.start(404, [TEXT, pair]) == []
    assert ours_of(response.body(b"No such thing", more=False))["message"] == "No such thing"


def test_an_application_that_answers_nothing_is_a_500(log: pytest.LogCaptureFixture) -> None:
    """Some servers hang on it, some say 200."""
    assert ours_of(exchange().end())["code"] == "internal"
    assert "returned without an answer" in log.records[0].getMessage()


def test_a_head_alone_is_a_500(log: pytest.LogCaptureFixture) -> None:
    """Nothing was sent: servers would cut it, hang, or make an answer of their own."""
    response = exchange()
    response.start(200, [TEXT])
    assert ours_of(response.end())["code"] == "internal"
    (record,) = log.records
    assert (record.levelname, "returned without an answer" in record.getMessage()) == (
        "ERROR",
        True,
    )


@pytest.mark.parametrize("status", [200, 409])
@pytest.mark.parametrize("body", ["text", None, {}])
def test_a_body_that_is_no_bytes_is_a_500(
    status: int, body: Any, log: pytest.LogCaptureFixture
) -> None:
    """No server would send it, and nothing is out yet."""
    response = exchange()
    response.start(status, [LINES])
    assert ours_of(response.body(body, more=True))["code"] == "internal"
    assert response.body(b"rest", more=False) == []
    (record,) = log.records
    assert f"a body of {type(body).__name__}" in record.getMessage()


@pytest.mark.parametrize("kind", [bytearray, memoryview])
def test_a_body_of_other_bytes_is_taken(kind: Callable[[bytes], Any]) -> None:
    """Servers do, too."""
    response = exchange()
    response.start(409, [TEXT])
    assert ours_of(response.body(kind(b"Taken"), more=False))["message"] == "Taken"
    stream = exchange()
    stream.start(200, [SSE])
    stream.body(kind(b"data: 1"), more=True)
    (last,) = stream.fail(NotFoundError()).pieces
    assert isinstance(last, Chunk)
    assert last.body.startswith(b"\n\nevent: error")


@pytest.mark.parametrize(("kind", "sent"), [(SSE, b"data: 1"), (LINES, b'{"a"')])
def test_a_stream_that_is_left_half_way_is_ended(
    kind: tuple[str, str], sent: bytes, log: pytest.LogCaptureFixture
) -> None:
    """By a return, as by an exception; one record."""
    response = exchange()
    response.start(200, [kind])
    response.body(sent, more=True)
    (last,) = response.end()
    assert isinstance(last, Chunk)
    check: Any = check_event_stream if kind is SSE else check_json_lines
    assert check(sent + last.body, request_id=REQUEST_ID) == []
    assert response.end() == []
    (record,) = log.records
    assert "returned before the end of its answer" in record.getMessage()
    assert record.levelname == "ERROR"


def test_any_other_answer_that_is_left_half_way_is_cut(log: pytest.LogCaptureFixture) -> None:
    """By its server; one record says so."""
    response = exchange()
    response.start(200, [LENGTH])
    response.body(b"he", more=True)
    assert response.end() == []
    (record,) = log.records
    assert "the answer was cut short: 500 internal: the application" in record.getMessage()


@pytest.mark.parametrize("begin", ["nothing", "held", "open", "stream"])
def test_an_application_that_returns_because_its_client_left_has_no_bug(
    begin: str, log: pytest.LogCaptureFixture
) -> None:
    """One debug record, however far the answer was."""
    response = exchange()
    heads = {"held": [TEXT], "open": [LENGTH], "stream": [SSE]}
    if begin in heads:
        response.start(200, heads[begin])
    assert response.unfinished
    assert response.end(client_left=True) == []
    assert [record.levelname for record in log.records] == ["DEBUG"]


def test_a_body_before_any_head_is_a_500(log: pytest.LogCaptureFixture) -> None:
    """And what follows is dropped."""
    response = exchange()
    assert ours_of(response.body(b"x", more=True))["code"] == "internal"
    assert response.body(b"y", more=False) == []
    assert response.end() == []
    assert "a body before a head" in log.records[0].getMessage()


def test_an_answer_to_head_has_no_body() -> None:
    """Its length and all else are as they would be."""
    response = exchange("HEAD")
    response.start(404, [TEXT])
    pieces = response.body(b"", more=False)
    assert ours_of(pieces, "HEAD") == {}
    failing = exchange("HEAD")
    assert ours_of(failing.fail(NotFoundError()).pieces, "HEAD") == {}


# --- exceptions --------------------------------------------------------------------------------


@pytest.mark.parametrize("begin", ["nothing", "held", "error"])
@pytest.mark.parametrize("reraise", [True, False])
def test_an_exception_before_anything_was_sent_is_answered(
    begin: str,
    reraise: bool,  # noqa: FBT001 - both are to be had
) -> None:
    """Typed ones end there; an unmapped one is handed on unless that is switched off."""
    for exc, code in ((NotFoundError(), "not_found"), (ValueError(), "internal")):
        response = exchange(reraise=reraise)
        if begin != "nothing":
            response.start(200 if begin == "held" else 503, [TEXT, ("ETag", "1")])
        failed = response.fail(exc)
        assert ours_of(failed.pieces)["code"] == code
        assert failed.hand_on is (reraise and code == "internal")
        assert response.end() == []


def test_what_cors_middleware_said_stays_on_an_exceptions_answer() -> None:
    """Or the browser would hide the error from its script."""
    response = exchange()
    cors = [("Access-Control-Allow-Origin", "https://a"), ("vary", "Origin")]
    response.start(200, [TEXT, ("X-Own", "1"), *cors])
    pieces = response.fail(ConflictError()).pieces
    assert ours_of(pieces)["code"] == "conflict"
    names = [name for name, _ in reply_of(pieces).headers]
    assert "Access-Control-Allow-Origin" in names
    assert "vary" in names
    assert "X-Own" not in names


@pytest.mark.parametrize("begin", ["nothing", "held", "error", "open", "stream"])
def test_a_client_that_left_is_answered_with_silence(
    begin: str, log: pytest.LogCaptureFixture
) -> None:
    """One debug record, nothing that a driver has to send, nothing handed on."""
    response = exchange()
    heads = {"held": [TEXT], "error": [TEXT], "open": [LENGTH], "stream": [SSE]}
    if begin in heads:
        response.start(500 if begin == "error" else 200, heads[begin])
    failed = response.fail(GONE)
    assert not failed.pieces or response.client_gone
    assert not failed.hand_on
    assert response.end() == []
    assert [record.levelname for record in log.records] == ["DEBUG"]


def test_an_exception_after_the_answer_is_logged_and_handed_on(
    log: pytest.LogCaptureFixture,
) -> None:
    """The connection is cut: it never ends as if it were whole."""
    for exc, level in ((ValueError(), "ERROR"), (NotFoundError(), "WARNING")):
        response = exchange()
        response.start(200, [LENGTH])
        response.body(b"he", more=True)
        assert response.fail(exc)[:2] == ([], True)
        assert log.records[-1].levelname == level
        assert "the answer was cut short" in log.records[-1].getMessage()


@pytest.mark.parametrize("reraise", [True, False])
def test_an_exception_after_the_answer_is_late(
    reraise: bool,  # noqa: FBT001 - both are to be had
    log: pytest.LogCaptureFixture,
) -> None:
    """Ours or the application's: nothing more is sent, and it is handed on only if wanted."""
    for status, kind in ((404, TEXT), (200, TEXT), (200, SSE)):
        for exc, code in ((ValueError(), "internal"), (ConflictError(), "conflict")):
            response = exchange(reraise=reraise)
            response.start(status, [kind])
            response.body(b"x", more=False)
            assert response.fail(exc)[:2] == ([], reraise)
            assert "raised after the answer" in log.records[-1].getMessage()
            assert vars(log.records[-1])["code"] == code


def test_an_answer_while_an_exception_is_handled_is_that_exceptions() -> None:
    """Starlette's ServerErrorMiddleware answers, then the exception comes out."""
    for exc, code in ((NotFoundError("typed"), "not_found"), (ValueError("bug"), "internal")):
        response = exchange()
        try:
            raise exc  # noqa: TRY301 - only that it is being handled is wanted
        except Exception:  # noqa: BLE001 - as Starlette does
            response.start(500, [TEXT])
            pieces = response.body(b"Internal Server Error", more=False)
        assert ours_of(pieces)["code"] == code
        assert response.fail(exc)[:2] == ([], code == "internal")


def test_an_exception_that_is_wrapped_on_its_way_is_the_same(
    log: pytest.LogCaptureFixture,
) -> None:
    """A framework that finds the answer started raises another one from it."""
    response = exchange()
    bug = ValueError("bug")
    try:
        raise bug
    except ValueError:
        response.start(500, [TEXT])
        response.body(b"Internal Server Error", more=False)
    wrapped = RuntimeError("response already started")
    wrapped.__cause__ = bug
    assert response.fail(wrapped)[:2] == ([], True)
    assert len(log.records) == 1


@pytest.mark.parametrize(
    ("after", "levels"),
    [
        ("bug", ["ERROR"]),
        ("typed", ["WARNING"]),
        ("gone", ["WARNING", "DEBUG"]),
        ("end", ["WARNING"]),
        ("abandon", ["WARNING"]),
        ("seen", []),
    ],
)
def test_a_500_that_was_answered_is_reported_when_it_is_known_what_came_out(
    after: str, levels: list[str], log: pytest.LogCaptureFixture
) -> None:
    """ASGI frameworks answer first and raise the exception again: one record, and whose."""
    layers = Layers(REQUEST_ID)
    response = exchange(deferring=True, layers=layers)
    response.start(500, [JSON])
    assert ours_of(response.body(b'{"detail":"own"}', more=False))["code"] == "internal"
    assert log.records == []
    raised = {"bug": ValueError(), "typed": NotFoundError(), "gone": GONE, "seen": ValueError()}
    if after in raised:
        if after == "seen":
            layers.reported = raised[after]
        failed = response.fail(raised[after])
        assert failed[:2] == ([], after in {"bug", "seen"})
    elif after == "end":
        assert response.end() == []
    else:
        response.abandon()
    assert [record.levelname for record in log.records] == levels
    response.abandon()
    assert len(log.records) == len(levels)


def test_where_nothing_can_come_out_a_500_is_reported_at_once(
    log: pytest.LogCaptureFixture,
) -> None:
    """And other statuses in any case."""
    for deferring, status in ((False, 500), (True, 503), (True, 404)):
        log.clear()
        response = exchange(deferring=deferring)
        response.start(status, [TEXT])
        response.body(b"x", more=False)
        assert len(log.records) == 1


def test_an_answer_to_a_client_that_left_is_not_sent() -> None:
    """The exception being handled says so."""
    response = exchange()
    try:
        raise GONE  # noqa: TRY301 - as above
    except Exception:  # noqa: BLE001 - as Starlette does
        response.start(500, [TEXT])
        response.body(b"Internal Server Error", more=False)
    assert response.client_gone


# --- debug pages ---------------------------------------------------------------------------------


def test_the_frameworks_debug_page_is_left_alone(log: pytest.LogCaptureFixture) -> None:
    """In debug, for who prefers HTML; the exception is still reported."""
    response = exchange(debug=True)
    page = ("Content-Type", "text/html; charset=utf-8")
    bug = ValueError()
    try:
        raise bug
    except ValueError:
        assert response.start(500, [page]) == [Head(500, (page,), original=True)]
        assert response.body(b"<h1>", more=False) == [Chunk(b"<h1>", more=False)]
    response.fail(bug)
    assert [record.levelname for record in log.records] == ["ERROR"]
    assert exchange(debug=True).start(404, [TEXT]) == []


def test_an_unmapped_exception_in_debug_is_left_to_the_framework() -> None:
    """It makes the page further out; a typed error is answered even so."""
    assert exchange(debug=True).fail(ValueError())[:2] == ([], True)
    assert ours_of(exchange(debug=True).fail(NotFoundError()).pieces)["code"] == "not_found"


# --- streams --------------------------------------------------------------------------------------


@pytest.mark.parametrize("sent", [[], [b"data: 1\n\n"], [b"data: 1", b"\n", b""], [b"da", b"ta:"]])
@pytest.mark.parametrize("exc", [NotFoundError("gone"), ValueError("secret")], ids=["typed", "bug"])
def test_an_event_stream_that_fails_ends_with_one_error_event(
    sent: list[bytes], exc: Exception
) -> None:
    """Type and code are in the frame, since the status stays 200; a half event is ended."""
    response = exchange()
    response.start(200, [SSE])
    stream = b""
    for part in sent:
        (piece,) = response.body(part, more=True)
        assert piece == Chunk(part, more=True)
        stream += part
    failed = response.fail(exc)
    (last,) = failed.pieces
    assert isinstance(last, Chunk)
    assert not last.more
    assert check_event_stream(stream + last.body, request_id=REQUEST_ID) == []
    assert b"secret" not in last.body
    assert failed.hand_on is isinstance(exc, ValueError)
    assert response.body(b"more", more=True) == []
    assert response.end() == []


def test_json_lines_that_fail_end_with_one_line() -> None:
    """Likewise."""
    for kind in ("application/x-ndjson", "application/jsonl; charset=utf-8"):
        response = exchange()
        response.start(200, [("content-type", kind)])
        stream = b""
        for part in (b'{"a":1}\n', b'{"b"'):
            stream += b"".join(
                piece.body for piece in response.body(part, more=True) if isinstance(piece, Chunk)
            )
        (last,) = response.fail(NotFoundError()).pieces
        assert isinstance(last, Chunk)
        assert check_json_lines(stream + last.body, request_id=REQUEST_ID) == []


@pytest.mark.parametrize("extra", [("Content-Length", "99"), ("Content-Encoding", "gzip")])
def test_a_stream_whose_end_was_promised_can_only_be_cut(extra: tuple[str, str]) -> None:
    """One more event would break the length, or the encoding."""
    response = exchange()
    response.start(200, [SSE, extra])
    response.body(b"data: 1\n\n", more=True)
    assert response.fail(NotFoundError())[:2] == ([], True)


def test_a_stream_that_has_ended_is_not_ended_again() -> None:
    """What fails after the last part is late."""
    response = exchange()
    response.start(200, [SSE])
    assert response.body(b"data: 1\n\n", more=False) == [Chunk(b"data: 1\n\n", more=False)]
    assert response.fail(NotFoundError())[:2] == ([], True)


def test_a_stream_asked_for_with_head_gets_no_event() -> None:
    """An answer to HEAD has no body."""
    response = exchange("HEAD")
    response.start(200, [SSE])
    assert response.fail(NotFoundError()).pieces == [Chunk(b"", more=False)]


def test_a_stream_that_is_held_and_fails_gets_a_clean_error() -> None:
    """That is what holding is for."""
    response = exchange(hold_event_streams=True)
    response.start(200, [SSE])
    assert ours_of(response.fail(NotFoundError()).pieces)["code"] == "not_found"


def test_streams_are_told_by_their_type() -> None:
    """Parameters and case aside; nothing else can be ended from outside."""
    assert stream_kind([SSE]) is event_frame
    assert stream_kind([("content-type", "Application/JSONL")]) is json_line
    assert stream_kind([TEXT]) is None
    assert stream_kind([]) is None
    assert stream_kind([SSE, ("content-encoding", "br")]) is None


# --- other ways -----------------------------------------------------------------------------------


def test_an_answer_can_be_passed_on_as_it_is() -> None:
    """For excluded paths and `kaiko_passthrough`."""
    response = exchange()
    assert response.start(404, [TEXT], as_it_is=True) == [Head(404, (TEXT,), original=True)]
    assert response.passing
    noted = exchange()
    noted.pass_on()
    assert noted.started
    assert noted.fail(ValueError())[:2] == ([], True)
    bad = exchange()
    assert ours_of(bad.start(404, [("X-Own", "a\r\nb")], as_it_is=True))["code"] == "internal"


def test_a_body_that_comes_by_another_way_is_let_through() -> None:
    """A file's path cannot be looked into: an error is answered by its status."""
    held = exchange()
    held.start(200, [TEXT])
    assert held.other_body() == [Head(200, (TEXT,), original=True)]
    assert held.passing
    error = exchange()
    error.start(404, [JSON])
    assert ours_of(error.other_body())["code"] == "not_found"
    assert error.other_body() == []
    stream = exchange()
    stream.start(200, [SSE])
    assert stream.other_body() == []
    assert stream.passing
    assert ours_of(exchange().other_body())["code"] == "internal"


# --- an inner layer's reply -----------------------------------------------------------------------


def answered(exc: Exception) -> tuple[Reply, ResponseState]:
    """Let an inner layer answer an exception; return its reply, and the outer layer."""
    layers = Layers(REQUEST_ID)
    reply = layers.reply = Pipeline(Config()).on_exception(exc, REQUEST).reply
    layers.reported = exc
    return reply, exchange(layers=layers)


def test_an_inner_layers_reply_is_recognized_and_not_reported_again(
    log: pytest.LogCaptureFixture,
) -> None:
    """What middleware added on its way stays."""
    reply, response = answered(NotFoundError("inner"))
    cors = ("Access-Control-Allow-Origin", "*")
    response.start(reply.status, [*reply.headers, cors])
    pieces = response.body(reply.body, more=False)
    assert ours_of(pieces)["message"] == "inner"
    assert cors in reply_of(pieces).headers
    assert len(log.records) == 1


def test_times_that_middleware_adds_become_seconds() -> None:
    """A limiter around a handler tells points in time, as Flask-Limiter does; no client has to."""
    reply, response = answered(NotFoundError("inner"))
    added = [
        ("X-RateLimit-Limit", "5"),
        ("X-RateLimit-Reset", "1000000000"),
        ("retry-after", "1.5"),
        ("X-RateLimit-Reset", "soon"),
    ]
    response.start(reply.status, [*reply.headers, *added])
    sent = reply_of(response.body(reply.body, more=False)).headers
    assert [pair for pair in sent if pair not in reply.headers] == [
        ("X-RateLimit-Limit", "5"),
        ("X-RateLimit-Reset", "0"),
        ("retry-after", "2"),
    ]


def test_a_compressed_reply_of_ours_is_sent_as_it_was_made() -> None:
    """A client of an error needs no encoding, whether or not we can undo it."""
    for coding, encode in (("gzip", gzip.compress), ("own", bytes.swapcase)):
        reply, response = answered(NotFoundError("inner"))
        headers = [pair for pair in reply.headers if pair[0] != "Content-Length"]
        response.start(404, [*headers, ("content-encoding", coding), ("content-length", "9")])
        assert ours_of(response.body(encode(reply.body), more=False))["message"] == "inner"


@pytest.mark.parametrize(
    "added", [[("x-request-id", "own")], [("X-Request-ID", REQUEST_ID)] * 2], ids=["own", "same"]
)
@pytest.mark.parametrize("kept", [True, False])
def test_an_inner_layers_reply_has_one_id(
    added: list[tuple[str, str]],
    kept: bool,  # noqa: FBT001 - both are to be had
    log: pytest.LogCaptureFixture,
) -> None:
    """Whatever inner middleware does to the header: ours is in the body as well."""
    reply, response = answered(NotFoundError("inner"))
    ours = [pair for pair in reply.headers if kept or pair[0] != "X-Request-ID"]
    response.start(reply.status, [*ours, *added])
    pieces = response.body(reply.body, more=False)
    assert ours_of(pieces)["message"] == "inner"
    assert len(log.records) == 1


@pytest.mark.parametrize("change", ["status", "unreadable and without id", "body"])
def test_another_answer_is_not_taken_for_an_inner_layers(
    change: str, log: pytest.LogCaptureFixture
) -> None:
    """Somebody between replaced it: it is read like any, and reported if the status is another."""
    reply, response = answered(NotFoundError("inner"))
    log.clear()
    headers = list(reply.headers)
    body = b'{"detail":"outer"}' if change == "body" else reply.body
    if change == "unreadable and without id":
        headers = [pair for pair in headers if pair[0] != "X-Request-ID"]
        headers.append(("Content-Encoding", "own"))
    response.start(409 if change == "status" else 404, headers)
    ours_of(response.body(body, more=False))
    assert len(log.records) == (1 if change == "status" else 0)


@pytest.mark.parametrize("exc", [None, ValueError()], ids=["returned", "raised"])
def test_another_body_of_a_bugs_answer_is_reported_no_second_time(
    exc: Exception | None, log: pytest.LogCaptureFixture
) -> None:
    """Also where an outer layer waits for what comes out of the application."""
    layers = Layers(REQUEST_ID)
    inner, outer = exchange(layers=layers), exchange(layers=layers, deferring=True)
    reply = reply_of(inner.fail(exc or ValueError()).pieces)
    outer.start(500, list(reply.headers))
    outer.body(b"another", more=False)
    if exc is None:
        outer.end()
    else:
        assert outer.fail(exc).hand_on
    assert len(log.records) == 1


def test_what_an_inner_layer_has_reported_is_only_handed_on(
    log: pytest.LogCaptureFixture,
) -> None:
    """Its answer is sent if somebody between dropped it."""
    exc = ValueError()
    reply, sent = answered(exc)
    sent.start(reply.status, list(reply.headers))
    sent.body(reply.body, more=False)
    log.clear()
    assert sent.fail(exc)[:2] == ([], True)
    _, dropped = answered(exc)
    log.clear()
    failed = dropped.fail(exc)
    assert ours_of(failed.pieces)["code"] == "internal"
    assert failed.hand_on
    assert log.records == []


def test_what_an_inner_layer_has_reported_without_an_answer_is_answered() -> None:
    """It left its framework's debug page to somebody who did not make it."""
    layers = Layers(REQUEST_ID)
    exc = layers.reported = ValueError()
    assert ours_of(exchange(layers=layers).fail(exc).pieces)["code"] == "internal"


def test_a_request_is_only_looked_at() -> None:
    """The information an adapter gives is not changed."""
    request = RequestInfo(REQUEST_ID, "GET", "/v2/chat")
    ResponseState(Pipeline(Config()), request).fail(NotFoundError())
    assert request == RequestInfo(REQUEST_ID, "GET", "/v2/chat")
