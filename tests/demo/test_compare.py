"""How the demo judges answers: what it lets pass, and everything it must not."""

from __future__ import annotations

import io
import json

import pytest
from rich.console import Console

from kaiko_cli import tables
from kaiko_cli.compare import Verdict, judge, repeated_ids
from kaiko_cli.wire import Received, last_event
from kaiko_demo import CAUSES, Cause, Expected, Request
from kaiko_middleware import NotFoundError, ServerError, render

REQUEST = Request("GET", "/v2/contexts/ctx_1")
MISSING = Cause(
    "unknown context", REQUEST, Expected(404, "not_found_error", "not_found"), never=("hunter2",)
)
FINE = Cause("models listed", REQUEST, Expected(200, headers=("X-RateLimit-Limit",)))
CUT = Cause("text", REQUEST, Expected(200), cut=True)
BROKEN_STREAM = Cause("stream", REQUEST, Expected(200, "server_error", "internal"), in_stream=True)
ONE, TWO = "req-0000000001", "req-0000000002"


def not_found(request_id: str, message: str = "No such context") -> Received:
    return Received(*render(NotFoundError(message), request_id))


def with_header(answer: Received, name: str, value: str | None) -> Received:
    kept = [pair for pair in answer.headers if pair[0].lower() != name.lower()]
    added = [] if value is None else [(name, value)]
    return Received(answer.status, (*kept, *added), answer.body)


def stream(request_id: str, *frames: bytes) -> Received:
    headers = (("Content-Type", "text/event-stream"), ("X-Request-ID", request_id))
    return Received(200, headers, b"".join(frames))


def error_frame(request_id: str) -> bytes:
    return b"event: error\ndata: " + render(ServerError(), request_id).body + b"\n\n"


def wrong(cause: Cause, answer: Received) -> str:
    """Everything that is wrong with one answer, as one text."""
    return "\n".join(judge(cause, {"stack": answer}).wrong)


# --- what passes ---------------------------------------------------------------------


def test_answers_that_differ_in_the_id_alone_agree() -> None:
    """The id is one per request, so it is masked and nothing else is."""
    verdict = judge(MISSING, {"one": not_found(ONE), "two": not_found(TWO)})
    assert verdict.good
    assert verdict.shown["one"] == ("404", "not_found_error", "not_found", "", ONE)


def test_headers_of_the_server_may_differ() -> None:
    """What a server adds is its own business."""
    first, second = not_found(ONE), not_found(TWO)
    answers = {"one": with_header(first, "Server", "x"), "two": with_header(second, "Date", "y")}
    assert judge(MISSING, answers).good


def test_names_of_headers_are_compared_without_case() -> None:
    """ASGI sends them in lower case."""
    second = not_found(TWO)
    lowered = tuple((name.lower(), value) for name, value in second.headers)
    answers = {"one": not_found(ONE), "two": Received(404, lowered, second.body)}
    assert judge(MISSING, answers).good


def test_a_success_may_be_framed_in_any_way() -> None:
    """Without an error, the body is the framework's: with a length, or chunked."""
    headers = (("X-Request-ID", ONE), ("X-RateLimit-Limit", "2"))
    chunked = Received(200, headers, b"{}")
    sized = Received(200, (*headers[1:], ("X-Request-ID", TWO), ("Content-Length", "2")), b"{}")
    assert judge(FINE, {"one": chunked, "two": sized}).good


def test_a_stream_that_ends_with_the_error_is_right() -> None:
    """The status stays 200: type and code are in the frame."""
    verdict = judge(BROKEN_STREAM, {"one": stream(ONE, b"data: 1\n\n", error_frame(ONE))})
    assert verdict.good
    assert verdict.shown["one"] == ("200", "server_error", "internal", "", ONE)


def test_json_lines_that_end_with_the_error_are_right() -> None:
    """The form of the stream decides where to look."""
    line = render(ServerError(), ONE).body + b"\n"
    headers = (("X-Request-ID", ONE), ("Content-Type", "application/x-ndjson"))
    verdict = judge(BROKEN_STREAM, {"one": Received(200, headers, b"{}\n" + line)})
    assert verdict.good
    assert verdict.shown["one"].code == "internal"
    assert "not an object with the one" in wrong(
        BROKEN_STREAM, Received(200, headers, line + b"{}\n")
    )


def test_plain_text_that_is_cut_off_is_right_where_it_has_to_be() -> None:
    """It must not end as if it were whole; and no answer at all is wrong there, too."""
    headers = (("X-Request-ID", ONE),)
    assert wrong(CUT, Received(200, headers, b"a", "the answer was cut off")) == ""
    assert wrong(CUT, Received(200, headers, b"a")) == "stack: the answer ends as if it were whole"
    assert wrong(CUT, Received(0, (), b"", "no answer")) == "stack: no answer"


# --- what is wrong -------------------------------------------------------------------


def test_another_status_than_expected_is_wrong() -> None:
    """Stacks that agree on a wrong answer are found out."""
    answer = Received(*render(ServerError(), ONE))
    assert "the status is 500, not 404" in wrong(MISSING, answer)
    assert "the code is 'internal', not 'not_found'" in wrong(MISSING, answer)


def test_an_answer_that_the_contracts_check_faults_is_wrong() -> None:
    """The demo has no second opinion on the contract."""
    assert "section 4" in wrong(MISSING, with_header(not_found(ONE), "X-Should-Retry", None))


def test_an_answer_without_an_envelope_is_wrong() -> None:
    """Whatever else it may be."""
    answer = not_found(ONE)
    for body in (b"", b"Not Found", b"[]", b'{"error": "x"}', b"\xff"):
        assert "the type is None" in wrong(MISSING, Received(404, answer.headers, body))


@pytest.mark.parametrize("request_id", [None, "", "req-1", "REQ-0000000001"])
def test_an_answer_without_our_id_is_wrong(request_id: str | None) -> None:
    """On success as well."""
    headers = (("X-RateLimit-Limit", "2"), *([("X-Request-ID", request_id)] if request_id else []))
    assert "not one of ours" in wrong(FINE, Received(200, headers, b"{}"))


def test_two_ids_are_wrong() -> None:
    """A client could not tell which one to quote."""
    headers = (("X-Request-ID", ONE), ("X-Request-ID", TWO), ("X-RateLimit-Limit", "2"))
    assert "one-id" in wrong(FINE, Received(200, headers, b"{}"))


def test_a_header_that_is_absent_is_wrong() -> None:
    """A cause names the headers that it needs."""
    answer = Received(200, (("X-Request-ID", ONE),), b"{}")
    assert "the header X-RateLimit-Limit is absent" in wrong(FINE, answer)


def test_another_word_on_retrying_is_wrong() -> None:
    """Two errors of one status and code may differ in just that."""
    expected = Expected(404, "not_found_error", "not_found", retry=False)
    cause = Cause("unknown context", REQUEST, expected)
    again = with_header(not_found(ONE), "X-Should-Retry", "true")
    assert "X-Should-Retry is true, not false" in wrong(cause, again)
    assert wrong(cause, not_found(ONE)) == ""


def test_a_secret_in_the_body_is_wrong() -> None:
    """What an exception's text holds must not leave the service."""
    assert "holds 'hunter2'" in wrong(MISSING, not_found(ONE, "hunter2 is wrong"))


def test_a_secret_in_a_header_is_wrong() -> None:
    """Neither there."""
    assert "holds 'hunter2'" in wrong(MISSING, with_header(not_found(ONE), "X-Debug", "hunter2"))


def test_an_answer_that_was_cut_off_is_wrong() -> None:
    """Even where what did arrive is right."""
    whole = not_found(ONE)
    answer = Received(whole.status, whole.headers, whole.body, "the answer was cut off")
    assert "cut off" in wrong(MISSING, answer)


def test_no_answer_is_wrong() -> None:
    """And is reported once, not as everything that an answer would have had."""
    assert wrong(MISSING, Received(0, (), b"", "no answer")) == "stack: no answer"


@pytest.mark.parametrize(
    "frames",
    [
        (b"data: 1\n\n",),
        (error_frame(ONE), b"data: 1\n\n"),
        (error_frame(ONE)[:-1],),
        (),
    ],
    ids=["no error", "not last", "not ended", "nothing"],
)
def test_a_stream_without_the_error_at_its_end_is_wrong(frames: tuple[bytes, ...]) -> None:
    """A client that reads to the end has to find it there."""
    assert "section 8" in wrong(BROKEN_STREAM, stream(ONE, *frames))


def test_a_stream_whose_error_has_another_id_is_wrong() -> None:
    """Header and frame are of the same request."""
    assert "same-id" in wrong(BROKEN_STREAM, stream(ONE, error_frame(TWO)))


def test_an_id_that_two_answers_have_is_found() -> None:
    """An id names one request."""
    verdicts = [judge(MISSING, {"one": not_found(ONE), "two": not_found(ONE)})]
    assert repeated_ids(verdicts) == [ONE]


# --- what differs --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("part", "other"),
    [
        ("body", not_found(TWO, "No such kontext")),
        ("status", Received(410, not_found(TWO).headers, not_found(TWO).body)),
        ("Retry-After", with_header(not_found(TWO), "Retry-After", "5")),
        ("Cache-Control", with_header(not_found(TWO), "Cache-Control", "private")),
        ("Content-Length", with_header(not_found(TWO), "Content-Length", None)),
        ("Content-Type", with_header(not_found(TWO), "Content-Type", "text/html")),
        ("connection", Received(404, not_found(TWO).headers, not_found(TWO).body, "cut off")),
    ],
)
def test_a_difference_is_named(part: str, other: Received) -> None:
    """With what each stack sent there."""
    verdict = judge(MISSING, {"one": not_found(ONE), "two": other})
    assert list(verdict.differences) == [part]
    assert set(verdict.differences[part]) == {"one", "two"}


# --- server-sent events --------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "data"),
    [
        (b"event: end\ndata: 1\n\n", b"1"),
        (b"event:end\r\ndata:1\r\n\r\n", b"1"),
        (b"data: 1\n\ndata: 2\ndata: 3\n\n", b"2\n3"),
        (b": comment\nid: 7\n\n", b""),
        (b"", b""),
    ],
)
def test_the_last_event_of_a_stream_is_read(body: bytes, data: bytes) -> None:
    """As a browser would read it."""
    assert last_event(body) == data


# --- the table -----------------------------------------------------------------------


def every_verdict() -> list[Verdict]:
    """A verdict a cause, with the longest values that the table has to hold."""
    verdicts: list[Verdict] = []
    for cause in CAUSES:
        error = {
            "type": cause.expected.type,
            "code": cause.expected.code,
            "param": cause.expected.param,
        }
        body = json.dumps({"error": error}).encode()
        answer = Received(cause.expected.status, (("X-Request-ID", ONE),), body)
        verdicts.append(judge(cause, {"one": answer, "two": answer}))
    return verdicts


def printed(verdicts: list[Verdict], width: int) -> str:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    console.print(tables.results(verdicts, width))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize("width", [80, 100, 120, 200])
def test_the_table_fits_and_no_value_is_cut(width: int) -> None:
    """A code that is broken in two can be neither read nor searched for."""
    text = printed(every_verdict(), width)
    assert max(map(len, text.splitlines())) <= width
    for cause in CAUSES:
        expected = cause.expected
        shown = [cause.name, expected.type, expected.code, expected.param]
        if not cause.in_stream:
            assert [value for value in shown if value and value not in text] == []


def test_the_table_has_a_line_a_cause_where_there_is_room() -> None:
    """Two lines of heading, and nothing else."""
    assert len(printed(every_verdict(), 120).strip().splitlines()) == len(CAUSES) + 2


def test_the_table_shows_every_value_where_stacks_differ() -> None:
    """And says no."""
    other = Received(*render(ServerError(), TWO))
    text = printed([judge(MISSING, {"one": not_found(ONE), "two": other})], 160)
    assert "404 / 500" in text
    assert "not_found / internal" in text
    assert text.rstrip().endswith("no")


def test_a_wrong_answer_is_not_hidden_by_agreement() -> None:
    """All stacks can be wrong in the same way."""
    answers = {"one": Received(*render(ServerError(), ONE))}
    assert printed([judge(MISSING, answers)], 120).rstrip().endswith("wrong")


def test_findings_name_the_stack_and_the_part() -> None:
    """So that a reader knows where to look."""
    verdict = judge(MISSING, {"one": not_found(ONE), "two": not_found(TWO, "Nowhere")})
    text = "\n".join(line.plain for line in tables.findings(verdict))
    assert text.startswith("unknown context\n  body differs:\n    one  {")
    assert "    two  {" in text
