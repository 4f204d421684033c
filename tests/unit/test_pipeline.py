"""The core's steps joined: what an adapter gets for an exception, an answer, a bug."""

from __future__ import annotations

import zlib
from typing import Any, NoReturn

import pytest

from kaiko_middleware import (
    Config,
    ConflictError,
    ExceptionMapping,
    KaikoError,
    NotFoundError,
)
from kaiko_middleware.conformance import check_answer
from kaiko_middleware.pipeline import Pipeline
from kaiko_middleware.report import RequestInfo
from unit.support import REQUEST, REQUEST_ID, error_of, header


def library(name: str) -> type[Exception]:
    """Make a class that looks as if a library had defined it."""
    module, _, qualname = name.rpartition(".")
    return type(qualname, (Exception,), {"__module__": module, "__qualname__": qualname})


def test_a_configuration_of_another_kind_is_refused_at_once() -> None:
    """A dictionary passed by mistake fails where it stands, not at the first error."""
    settings: Any = {}
    with pytest.raises(TypeError, match=r"config takes a kaiko_middleware\.Config, not dict"):
        Pipeline(settings)


def test_a_typed_error_is_answered_as_itself() -> None:
    """It is mapped, and there is somebody to answer."""
    error = NotFoundError("No such model")
    answer = Pipeline(Config()).on_exception(error, REQUEST)
    assert answer.error is error
    assert (answer.unmapped, answer.disconnected) == (False, False)
    assert answer.reply.status == 404
    assert header(answer.reply, "X-Request-ID") == [REQUEST_ID]


def test_a_caller_may_report_in_its_own_time(log: pytest.LogCaptureFixture) -> None:
    """Where an error tracker would not see the record yet."""
    answer = Pipeline(Config()).on_answer(409, [], b"", REQUEST, report=False)
    assert answer.error.code == "conflict"
    assert log.records == []


def test_a_caller_may_leave_an_unmapped_exception_to_another(
    log: pytest.LogCaptureFixture,
) -> None:
    """It is then neither reported nor answered; a mapped one is both."""
    assert Pipeline(Config()).on_mapped(KeyError(), REQUEST) is None
    assert log.records == []
    answer = Pipeline(Config()).on_mapped(NotFoundError(), REQUEST)
    assert answer is not None
    assert answer.reply.status == 404
    assert len(log.records) == 1


def test_an_unmapped_exception_says_nothing_of_itself() -> None:
    """And asks to be handed on."""
    answer = Pipeline(Config()).on_exception(KeyError("secret"), REQUEST)
    assert answer.unmapped
    assert b"secret" not in answer.reply.body
    assert b"KeyError" not in answer.reply.body
    assert error_of(answer.reply.body)["code"] == "internal"
    assert check_answer(*answer.reply) == []


def test_a_client_that_left_gets_no_answer_but_one_debug_record(
    log: pytest.LogCaptureFixture,
) -> None:
    """Whoever asks for the reply gets one that conforms, all the same."""
    gone = library("starlette.requests.ClientDisconnect")()
    answer = Pipeline(Config()).on_exception(gone, REQUEST)
    assert answer.disconnected
    assert not answer.unmapped
    assert [record.levelname for record in log.records] == ["DEBUG"]


def test_a_handler_that_raises_counts_as_not_there(log: pytest.LogCaptureFixture) -> None:
    """The answer is a 500, and both failures are logged with the request's id."""
    mapping = ExceptionMapping()

    @mapping.register(KeyError)
    def broken(_exc: KeyError) -> NoReturn:
        raise RuntimeError("handler")

    answer = Pipeline(Config(mapping=mapping)).on_exception(KeyError("key"), REQUEST)
    assert answer.unmapped
    assert answer.reply.status == 500
    assert [record.levelname for record in log.records] == ["ERROR", "ERROR"]
    assert "the mapping's handler for KeyError failed" in log.records[0].getMessage()
    assert {vars(record)["request_id"] for record in log.records} == {REQUEST_ID}


def test_a_returned_answer_is_rewritten_and_reported_once(log: pytest.LogCaptureFixture) -> None:
    """Text and code are kept, headers that described the body are not."""
    headers = [
        ("Content-Type", "application/json"),
        ("Content-Length", "40"),
        ("ETag", '"1"'),
        ("Set-Cookie", "a=1"),
    ]
    answer = Pipeline(Config()).on_answer(
        409, headers, b'{"detail": "Taken", "code": "taken"}', REQUEST
    )
    assert error_of(answer.reply.body)["message"] == "Taken"
    assert (answer.error.code, answer.unmapped, answer.disconnected) == ("taken", False, False)
    assert header(answer.reply, "Set-Cookie") == ["a=1"]
    assert check_answer(*answer.reply) == []
    assert len(log.records) == 1


def test_a_body_that_was_dropped_is_answered_by_its_status() -> None:
    """None says that it was too large to look at."""
    answer = Pipeline(Config()).on_answer(418, [], None, REQUEST)
    assert answer.error.code == "im_a_teapot"


@pytest.mark.parametrize("status", [99, 600, 700, 999])
def test_a_status_that_no_server_would_take_is_a_500(status: int) -> None:
    """Such a status drops the connection on one server and stops another."""
    answer = Pipeline(Config()).on_answer(status, [], b"x", REQUEST)
    assert answer.reply.status == 500
    assert check_answer(*answer.reply) == []


def test_what_inner_code_did_wrong_is_one_record_and_a_500(log: pytest.LogCaptureFixture) -> None:
    """The log says what; the client does not learn it."""
    answer = Pipeline(Config()).on_bug("no server would send status 700", REQUEST)
    assert answer.reply.status == 500
    assert b"700" not in answer.reply.body
    (record,) = log.records
    assert record.levelname == "ERROR"
    assert "no server would send status 700" in record.getMessage()


def test_headers_of_what_was_being_made_stay_on_an_exceptions_answer() -> None:
    """CORS middleware may have spoken already."""
    answer = Pipeline(Config()).on_exception(
        ConflictError(), REQUEST, replaced=[("Access-Control-Allow-Origin", "*"), ("ETag", "1")]
    )
    assert header(answer.reply, "Access-Control-Allow-Origin") == ["*"]
    assert header(answer.reply, "ETag") == []
    assert check_answer(*answer.reply) == []


def test_an_error_raised_twice_collects_nothing() -> None:
    """A module-level error instance, answered for many requests, stays as it was."""
    error = NotFoundError(headers={"Vary": "Accept"})
    pipeline = Pipeline(Config())
    first = pipeline.on_exception(error, REQUEST)
    second = pipeline.on_exception(error, REQUEST._replace(request_id="req-other"))
    assert header(first.reply, "X-Request-ID") == [REQUEST_ID]
    assert header(second.reply, "X-Request-ID") == ["req-other"]
    assert error.headers == (("Vary", "Accept"),)
    assert isinstance(second.error, KaikoError)


def test_an_id_that_no_server_would_send_is_no_reason_not_to_answer() -> None:
    """An adapter of somebody else's may pass on what it was given."""
    pipeline = Pipeline(Config())
    reply = pipeline.render(NotFoundError(), REQUEST._replace(request_id="é\r\n"))
    assert (reply.status, dict(reply.headers)["X-Request-ID"]) == (404, "___")


def test_a_returned_answer_is_read_once_whoever_asks(log: pytest.LogCaptureFixture) -> None:
    """Each request has its own id, one that is none of the alphabet is made one."""
    pipeline = Pipeline(Config())
    kind, cookie = ("Content-Type", "text/plain"), ("Set-Cookie", "a=1")
    first = pipeline.on_answer(409, [kind, cookie], b"Taken", REQUEST)
    for request_id, sent in (("req-0", "req-0"), ("a b", "a_b"), ("", "req-unknown")):
        other = REQUEST._replace(request_id=request_id)
        again = pipeline.on_answer(409, [kind, cookie], b"Taken", other)
        assert again.error is first.error
        assert check_answer(*again.reply) == []
        assert header(again.reply, "X-Request-ID") == [sent]
        assert error_of(again.reply.body)["request_id"] == sent
        assert len(again.reply.headers) == len(first.reply.headers)
    assert len(log.records) == 4


@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        (409, [("Retry-After", "Fri, 31 Dec 2100 23:59:59 GMT")], b"Taken"),
        (409, [("X-Own", "a" * 2000)], b"Taken"),
        (409, [("X-Own", "a\nb")], b"Taken"),
        (409, [], b"T" * 2000),
        (409, [], None),
        (422, [], b'{"detail":[{"type":"missing","loc":["body","a"]}]}'),
        (400, [], b'{"errors":[{"type":"missing","loc":["body","a"]}]}'),
        (
            422,
            [("Content-Encoding", "deflate")],
            zlib.compress(b'{"detail":[{"type":"missing","loc":["body","a"]}]}'),
        ),
    ],
    ids=[
        "in time",
        "long header",
        "bad header",
        "long body",
        "no body",
        "by the request",
        "by the request, as others list it",
        "by the request, in a coding",
    ],
)
def test_an_answer_that_may_become_another_is_read_each_time(
    status: int, headers: list[tuple[str, str]], body: bytes | None
) -> None:
    """In time, for another request, or with something to log; or it is too long to be kept."""
    pipeline = Pipeline(Config())
    first, second = (pipeline.on_answer(status, headers, body, REQUEST) for _ in range(2))
    assert first.error is not second.error
    assert pipeline.recall(status, headers, body) is None


@pytest.mark.parametrize("name", ["detail", "errors"])
@pytest.mark.parametrize("first", ["text/plain", "application/json"])
def test_what_was_refused_is_read_by_each_request(name: str, first: str) -> None:
    """One sent a type that is not supported, the next a bad value."""
    pipeline = Pipeline(Config())
    body = b'{"%b":[{"type":"model_attributes_type","loc":["body"]}]}' % name.encode()
    codes = {
        kind: pipeline.on_answer(
            422, [], body, RequestInfo("req-0123456789", "POST", "/", kind)
        ).error.code
        for kind in (first, "application/json", "text/plain")
    }
    assert codes == {
        "application/json": "invalid_value",
        "text/plain": "unsupported_media_type",
    }


def test_only_so_many_answers_are_remembered() -> None:
    """A service may put anything in its texts."""
    pipeline = Pipeline(Config())
    for number in range(600):
        pipeline.on_answer(409, [], b"Taken %d" % number, REQUEST)
    assert len(pipeline._answers) <= 256
