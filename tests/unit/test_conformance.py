"""The checker: it passes what conforms, finds each fault by its rule, and never raises."""

# ruff: noqa: E501 - a row of a table stands on one line

from __future__ import annotations

import gzip
import json
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaiko_middleware import AuthenticationError, NotFoundError, RateLimitError, ServerError, render
from kaiko_middleware.conformance import (
    Violation,
    check_answer,
    check_event_stream,
    check_json_lines,
)
from unit.support import KEYS, REQUEST_ID, any_text

if TYPE_CHECKING:
    from collections.abc import Callable

STREAMS = [check_event_stream, check_json_lines]
CORS = [("Access-Control-Allow-Origin", "*")]
GOOD = render(NotFoundError("No such context", param="context_id"), REQUEST_ID)
ERROR = render(ServerError(), REQUEST_ID)


def rules(violations: list[Violation]) -> set[str]:
    """Return the rules that were broken."""
    return {violation.rule for violation in violations}


def envelope(status: int = 404, **changes: object) -> tuple[int, list[tuple[str, str]], bytes]:
    """Return an answer with some members changed; `...` leaves one out."""
    reply = GOOD if status == 404 else ERROR
    members = {**json.loads(reply.body)["error"], **changes}
    members = {name: value for name, value in members.items() if value is not ...}
    return with_body(json.dumps({"error": members}).encode(), status)


def with_body(body: bytes, status: int = 404) -> tuple[int, list[tuple[str, str]], bytes]:
    """Return an answer whose headers fit a body."""
    reply = GOOD if status == 404 else ERROR
    headers = [pair for pair in reply.headers if pair[0] != "Content-Length"]
    return status, [*headers, ("Content-Length", str(len(body)))], body


def with_headers(*changes: tuple[str, str | None]) -> tuple[int, list[tuple[str, str]], bytes]:
    """Return an answer with headers replaced, or added a second time; None takes one away."""
    gone = {name.lower() for name, value in changes if value is None}
    kept = [(name, value) for name, value in GOOD.headers if name.lower() not in gone]
    return 404, [*kept, *((name, value) for name, value in changes if value is not None)], GOOD.body


PASS: list[tuple[str, tuple[int, Any, bytes], str]] = [
    ("an error", GOOD, "GET"),
    ("a 401", render(AuthenticationError(), REQUEST_ID), "POST"),
    ("a 429", render(RateLimitError(retry_after=1, limit=2, remaining=0, reset=3), REQUEST_ID), "GET"),
    ("a mapping", (404, dict(GOOD.headers), GOOD.body), "GET"),
    ("bytes", (404, [(n.encode(), v.encode()) for n, v in GOOD.headers], GOOD.body), "GET"),
    ("lower case", (404, [(n.lower(), v) for n, v in GOOD.headers], GOOD.body), "GET"),
    ("HEAD", (404, GOOD.headers, b""), "HEAD"),
    ("a success", (200, {"x-request-id": "a"}, b"kaiko_live_abc is fine here"), "GET"),
    ("a redirect", (302, {"x-request-id": "a"}, b""), "GET"),
    ("early hints", (103, {}, b""), "GET"),
    ("white space", with_body(GOOD.body.replace(b",", b" ,\n")), "GET"),
    ("charset", (404, [*with_headers(("Content-Type", None))[1], ("Content-Type", "application/json; charset=UTF-8")], GOOD.body), "GET"),
    ("CORS", render(NotFoundError(headers=CORS), REQUEST_ID), "GET"),
    ("CORS with a star", with_headers(*CORS, ("Access-Control-Expose-Headers", "*")), "GET"),
    ("UTF-8", with_body(GOOD.body.replace(b"No such", "Ungültig ☃".encode())), "GET"),
]  # fmt: skip


@pytest.mark.parametrize("case", PASS, ids=lambda case: case[0])
def test_an_answer_that_conforms_passes(case: tuple[str, tuple[int, Any, bytes], str]) -> None:
    """In every form that it may be given in."""
    _, answer, method = case
    assert check_answer(*answer, method=method) == []


RPC = b'{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"no such method"}}'
OAUTH = b'{"error":"invalid_grant"}'
CONNECT = b'{"code":"not_found"}'
FORM = {"content-type": "application/x-www-form-urlencoded"}


def test_an_error_of_another_protocol_passes() -> None:
    """It needs the id and nothing else; encoded or not, with any status."""
    kept = {"X-Request-ID": "a"}
    assert check_answer(404, kept, RPC) == []
    assert check_answer(502, {**kept, "Content-Encoding": "gzip"}, gzip.compress(RPC)) == []
    assert check_answer(400, kept, OAUTH, method="post", request_headers=FORM) == []
    version = [(b"Connect-Protocol-Version", b"1")]
    assert check_answer(404, kept, CONNECT, request_headers=version) == []
    cors = {**kept, **dict(CORS), "Access-Control-Expose-Headers": "x-request-id"}
    assert check_answer(404, cors, RPC) == []


def test_an_error_of_another_protocol_can_fail() -> None:
    """By the id, by a header or by a key; and what its request does not make one is none."""
    kept = {"X-Request-ID": "a"}
    assert rules(check_answer(404, {}, RPC)) == {"one-id"}
    assert rules(check_answer(404, {**kept, **dict(CORS)}, RPC)) == {"exposed"}
    assert rules(check_answer(404, {**kept, "X": "\n"}, RPC)) == {"sendable"}
    keyed = RPC.replace(b"method", KEYS[0].encode())
    assert rules(check_answer(404, kept, keyed)) == {"key"}
    assert "envelope" in rules(check_answer(400, kept, OAUTH, method="POST"))
    assert "envelope" in rules(check_answer(404, kept, CONNECT))


ID = "X-Request-ID"
FAIL: list[tuple[str, tuple[Any, Any, bytes], set[str]]] = [
    ("not JSON", with_body(b"Not Found"), {"json"}),
    ("empty", with_body(b""), {"json"}),
    ("bad UTF-8", with_body(GOOD.body.replace(b"such", b"\xff")), {"json"}),
    ("a byte order mark", with_body(b"\xef\xbb\xbf" + GOOD.body), {"json"}),
    ("NaN", with_body(GOOD.body.replace(b'"context_id"', b"NaN")), {"json"}),
    ("deep", with_body(b"[" * 100_000), {"json"}),
    ("a huge number", with_body(b"1" * 5_000), {"json"}),
    ("a lone surrogate", envelope(message="\ud800"), {"json"}),
    ("a list", with_body(b"[]"), {"envelope"}),
    ("null", with_body(b"null"), {"envelope"}),
    ("a detail", with_body(b'{"detail": "x"}'), {"envelope"}),
    ("error that is a text", with_body(b'{"error": "x"}'), {"envelope"}),
    ("a member beside", with_body(GOOD.body[:-1] + b',"x":1}'), {"envelope"}),
    ("error twice", with_body(GOOD.body[:-1] + b',"error":{}}'), {"envelope", "members", "type", "code", "message", "request-id"}),
    ("one member more", envelope(extra=1), {"members"}),
    ("one member less", envelope(param=...), {"members"}),
    ("another order", with_body(json.dumps({"error": dict(reversed(json.loads(GOOD.body)["error"].items()))}).encode()), {"members"}),
    ("a member twice", with_body(GOOD.body.replace(b'"code":', b'"code":"x","code":')), {"members"}),
    ("unknown type", envelope(type="odd_error"), {"type"}),
    ("type that is none", envelope(type=None), {"type"}),
    ("type that is a list", envelope(type=[]), {"type"}),
    ("another status's type", envelope(type="server_error"), {"type-of-status"}),
    ("code with capitals", envelope(code="NotFound"), {"code"}),
    ("code that is too long", envelope(code="a" * 65), {"code"}),
    ("code with a newline", envelope(code="a\n"), {"code"}),
    ("code that is a number", envelope(code=404), {"code"}),
    ("no message", envelope(message=""), {"message"}),
    ("blank message", envelope(message=" \n"), {"message"}),
    ("long message", envelope(message="x" * 1025), {"message"}),
    ("message that is none", envelope(message=None), {"message"}),
    ("empty param", envelope(param=""), {"param"}),
    ("long param", envelope(param="x" * 257), {"param"}),
    ("param with a control character", envelope(param="a\x85"), {"param"}),
    ("param that is a number", envelope(param=1), {"param"}),
    ("id outside the alphabet", envelope(request_id="a b"), {"request-id"}),
    ("id that is none", envelope(request_id=None), {"request-id"}),
    ("another id", envelope(request_id="req-other"), {"same-id"}),
    ("a traceback", envelope(message="Traceback (most recent call last):"), {"inside"}),
    ("a frame", envelope(message='File "/srv/app.py", line 5'), {"inside"}),
    ("no id", with_headers((ID, None)), {"one-id"}),
    ("two ids", with_headers((ID, REQUEST_ID)), {"one-id"}),
    ("bad id", with_headers((ID, None), ("x-request-id", "a b")), {"id-alphabet", "same-id"}),
    ("no content type", with_headers(("Content-Type", None)), {"content-type"}),
    ("two content types", with_headers(("Content-Type", "application/json")), {"content-type"}),
    ("problem+json", with_headers(("Content-Type", None), ("content-Type", "application/problem+json")), {"content-type"}),
    ("no length", with_headers(("Content-Length", None)), {"content-length"}),
    ("wrong length", with_headers(("Content-Length", None), ("content-Length", "5")), {"content-length"}),
    ("odd length", with_headers(("Content-Length", None), ("content-Length", "+5")), {"content-length"}),
    ("no word about retrying", with_headers(("X-Should-Retry", None)), {"should-retry"}),
    ("two words about retrying", with_headers(("X-Should-Retry", "true")), {"should-retry"}),
    ("odd word about retrying", with_headers(("X-Should-Retry", None), ("x-Should-Retry", "True")), {"should-retry"}),
    ("no cache control", with_headers(("Cache-Control", None)), {"cache-control"}),
    ("Retry-After that is a date", with_headers(("Retry-After", "Tue, 14 Nov 2023 22:13:30 GMT")), {"retry-after"}),
    ("Retry-After that is a fraction", with_headers(("Retry-After", "1.5")), {"retry-after"}),
    ("two Retry-After", with_headers(("Retry-After", "1"), ("retry-after", "2")), {"retry-after"}),
    ("limit that is no number", with_headers(("X-RateLimit-Limit", "many")), {"rate-limit"}),
    ("remaining below zero", with_headers(("X-RateLimit-Remaining", "-1")), {"rate-limit"}),
    ("reset that is empty", with_headers(("X-RateLimit-Reset", "")), {"rate-limit"}),
    ("401 without a challenge", (401, *with_body(render(AuthenticationError(), REQUEST_ID).body)[1:]), {"challenge"}),
    ("stale ETag", with_headers(("ETag", '"1"')), {"stale-header"}),
    ("stale encoding", with_headers(("Content-Encoding", "gzip")), {"stale-header"}),
    ("chunked", with_headers(("Transfer-Encoding", "chunked")), {"stale-header"}),
    ("nothing exposed", with_headers(*CORS), {"exposed"}),
    ("half exposed", with_headers(*CORS, ("Access-Control-Expose-Headers", "X-Request-ID")), {"exposed"}),
    ("a star with credentials", with_headers(*CORS, ("Access-Control-Expose-Headers", "*"), ("Access-Control-Allow-Credentials", "true")), {"exposed"}),
    ("a header with CR LF", with_headers(("X-Own", "a\r\nb")), {"sendable"}),
    ("a header's name", with_headers(("X Own", "a")), {"sendable"}),
    ("a header beyond latin-1", with_headers(("X-Own", "☃")), {"sendable"}),
    ("status 502", with_body(ERROR.body, 502), {"status"}),
    ("status 501", with_body(ERROR.body, 501), {"status"}),
    ("status 599", with_body(ERROR.body, 599), {"status"}),
    ("status 700", with_body(ERROR.body, 700), {"status"}),
    ("status 99", with_body(ERROR.body, 99), {"status"}),
    ("status that is a text", ("404", GOOD.headers, GOOD.body), {"status"}),
    ("status that is a flag", (True, GOOD.headers, GOOD.body), {"status"}),
    ("success without an id", (200, {}, b""), {"one-id"}),
    ("success with two ids", (204, [(ID, "a"), (ID, "a")], b""), {"one-id"}),
    ("redirect with a bad id", (302, {ID: "a b"}, b""), {"id-alphabet"}),
]  # fmt: skip


@pytest.mark.parametrize("case", FAIL, ids=lambda case: case[0])
def test_a_fault_is_found_by_its_rule(case: tuple[str, tuple[Any, Any, bytes], set[str]]) -> None:
    """By that one and no other."""
    _, answer, broken = case
    found = check_answer(*answer)
    assert rules(found) == broken
    for violation in found:
        assert violation.section in {"1", "2", "3", "4", "5", "6"}
        assert violation.message
        assert str(violation) == (
            f"section {violation.section}, {violation.rule}: {violation.message}"
        )


@pytest.mark.parametrize("key", KEYS)
def test_a_key_in_a_body_is_found(key: str) -> None:
    """In an envelope, and in what is none."""
    assert rules(check_answer(*with_body(GOOD.body.replace(b"No such context", key.encode())))) <= {
        "key",
        "json",  # a tab is no JSON
    }
    assert rules(check_answer(*with_body(key.encode()))) == {"key", "json"}


@pytest.mark.parametrize(
    "message",
    [
        "KeyError: 'x'",
        "sqlalchemy.exc.OperationalError happened",
        "ValueError",
        "StopIteration",
        "in /srv/app/views.py",
        "SELECT name FROM users",
        "INSERT INTO users VALUES (1)",
        "Context matching query DoesNotExist",
    ],
)
def test_what_failed_inside_is_no_message_of_a_5xx(message: str) -> None:
    """On a 4xx an author may name an error."""
    assert rules(check_answer(*envelope(500, message=message))) == {"inside"}
    assert rules(check_answer(*envelope(404, message=message))) <= {"inside"}


@pytest.mark.parametrize(
    "message",
    ["Unexpected server error", "Service temporarily unavailable", "Select a plan from the list"],
)
def test_plain_words_are_a_message_of_a_5xx(message: str) -> None:
    """The check for tells finds none in ordinary English."""
    assert check_answer(*envelope(500, message=message)) == []


def test_an_answer_to_head_is_checked_but_for_its_body() -> None:
    """It has none, and its headers hold all the same."""
    status, headers, body = GOOD
    assert rules(check_answer(status, headers, body, method="head")) == {"head"}
    assert rules(check_answer(404, {ID: "a"}, b"", method="HEAD")) == {
        "content-type",
        "content-length",
        "should-retry",
        "cache-control",
    }


def test_headers_that_a_client_library_joined_are_told_apart() -> None:
    """`multi_items` of httpx shows what its mapping hides."""

    class Headers(dict[str, str]):
        def multi_items(self) -> list[tuple[str, str]]:
            return [*GOOD.headers, (ID, REQUEST_ID)]

    assert rules(check_answer(404, Headers(GOOD.headers), GOOD.body)) == {"one-id"}


def test_the_ids_header_may_have_another_name() -> None:
    """As configured."""
    _, headers, body = with_headers((ID, None), ("X-Trace", REQUEST_ID))
    assert check_answer(404, headers, body, request_id_header="X-Trace") == []
    assert rules(check_answer(404, headers, body)) == {"one-id"}


class Hostile:
    """Raises whatever is done with it."""

    def __getattr__(self, name: str) -> object:
        raise RuntimeError(name)

    def __iter__(self) -> object:
        raise RuntimeError


anything = st.one_of(
    st.none(),
    st.integers(),
    any_text,
    st.binary(max_size=50),
    st.lists(st.one_of(st.integers(), any_text, st.tuples(any_text, any_text)), max_size=3),
    st.dictionaries(any_text, st.one_of(any_text, st.integers())),
    st.builds(Hostile),
)


@given(anything, anything, anything, anything)
def test_checking_never_raises(status: Any, headers: Any, body: Any, method: Any) -> None:
    """Whatever it is given, it answers with a list."""
    assert isinstance(check_answer(status, headers, body, method=method), list)
    assert isinstance(check_event_stream(body), list)
    assert isinstance(check_json_lines(body), list)


@pytest.mark.parametrize("check", [partial(check_answer, 404, GOOD.headers), *STREAMS])
def test_a_number_is_no_body(check: Callable[[Any], list[Violation]]) -> None:
    """`bytes` would make that many zeros of it, and use up the memory."""
    assert rules(check(10**15)) == {"readable"}


@pytest.mark.parametrize(
    ("headers", "body"),
    [(None, b""), (5, b""), ([1], b""), ({5: "a"}, b""), (GOOD.headers, None), (Hostile(), b"")],
    ids=range(6),
)
def test_what_is_no_answer_cannot_be_read(headers: Any, body: Any) -> None:
    """And is told so."""
    assert "readable" in rules(check_answer(404, headers, body))


# --- streams ---------------------------------------------------------------------------------

DATA = GOOD.body.decode()


@pytest.mark.parametrize(
    "stream",
    [
        f"event: error\ndata: {DATA}\n\n",
        f"data: 1\n\nevent: error\ndata: {DATA}\n\n",
        f"data: 1\r\n\r\nevent:error\r\ndata:{DATA}\r\n\r\n",
        f"data: 1\r\revent: error\rdata: {DATA}\r\r",
        f": comment\nid: 5\nevent: error\ndata: {DATA[:1]}\ndata: {DATA[1:]}\n\n",
    ],
    ids=["alone", "lf", "crlf", "cr", "lines"],
)
def test_an_event_stream_that_ended_with_the_envelope_passes(stream: str) -> None:
    """In any of the three line endings."""
    assert check_event_stream(stream.encode(), request_id=REQUEST_ID) == []


@pytest.mark.parametrize(
    ("stream", "broken"),
    [
        ("", {"event-ended", "event-name"}),
        ("data: 1\n\n", {"event-name"}),
        (f"event: error\ndata: {DATA}\n\ndata: 1\n\n", {"event-name"}),
        (f"event: error\ndata: {DATA}", {"event-ended"}),
        (f"data: 1\nevent: error\ndata: {DATA}\n\n", {"json"}),
        ("event: error\ndata: oops\n\n", {"json"}),
        ("event: error\ndata: {}\n\n", {"envelope"}),
        (f"event: error\ndata: {DATA.replace(REQUEST_ID, 'other')}\n\n", {"same-id"}),
        (f"event: error\ndata: {DATA.replace('not_found_error', 'x')}\n\n", {"type"}),
    ],
    ids=range(9),
)
def test_an_event_stream_that_ended_otherwise_does_not(stream: str, broken: set[str]) -> None:
    """Each fault by its rule."""
    assert rules(check_event_stream(stream.encode(), request_id=REQUEST_ID)) == broken


@pytest.mark.parametrize(
    ("stream", "broken"),
    [
        (f"{DATA}\n", set[str]()),
        (f'{{"a":1}}\n{DATA}\n', set[str]()),
        (f'{{"a":1}}\r\n{DATA}\r\n', set[str]()),
        ("", {"line-ended", "json"}),
        (f"{DATA}", {"line-ended"}),
        (f'{DATA}\n{{"a":1}}\n', {"envelope"}),
        (f'{{"a"{DATA}\n', {"json"}),
        (f"{DATA.replace(REQUEST_ID, 'other')}\n", {"same-id"}),
    ],
    ids=range(8),
)
def test_a_stream_of_json_lines_has_to_end_with_the_envelope(stream: str, broken: set[str]) -> None:
    """On a line of its own."""
    assert rules(check_json_lines(stream.encode(), request_id=REQUEST_ID)) == broken


@pytest.mark.parametrize("check", STREAMS)
def test_the_id_is_compared_where_it_is_known(
    check: Callable[..., list[Violation]],
) -> None:
    """A stream alone does not know its header."""
    body = f"event: error\ndata: {DATA}\n\n" if check is check_event_stream else f"{DATA}\n"
    assert check(body.encode()) == []
