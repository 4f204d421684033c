"""Another protocol's error answer: what goes out of it, and what the log says."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING

import pytest

from kaiko_middleware import Config
from kaiko_middleware.pipeline import Pipeline
from kaiko_middleware.report import RequestInfo
from unit.support import KEYS, REQUEST, REQUEST_ID

if TYPE_CHECKING:
    from kaiko_middleware import ErrorReport
    from kaiko_middleware.pipeline import Answer

ID = ("X-Request-ID", REQUEST_ID)
TYPE = ("Content-Type", "application/json")
OWN = ("X-Own", "1")


def body_of(message: str = "no order 7") -> bytes:
    """Return an error of JSON-RPC with a message."""
    error = {"code": -32602, "message": message}
    return json.dumps({"jsonrpc": "2.0", "id": 1, "error": error}, ensure_ascii=False).encode()


BODY = body_of()
HEADERS = [TYPE, ("ETag", '"a"'), ("x-request-id", "other"), OWN]


def answer(
    body: bytes = BODY,
    status: int = 400,
    *added: tuple[str, str],
    config: Config | None = None,
    request: RequestInfo = REQUEST,
    report: bool = True,
) -> Answer:
    """Return what becomes of an answer."""
    pipeline = Pipeline(Config() if config is None else config)
    return pipeline.on_answer(status, [*HEADERS, *added], body, request, report=report)


def test_it_keeps_all_but_the_id() -> None:
    """Its status, its body byte for byte and each of its fields."""
    length = ("Content-Length", str(len(BODY)))
    reply = answer(BODY, 400, length).reply
    assert reply == (400, (*HEADERS[:2], ID, OWN, length), BODY)
    assert answer().reply.headers == (*HEADERS[:2], ID, OWN)


@pytest.mark.parametrize("wrong", [["99"], ["71", "71"], ["x"]])
def test_a_wrong_length_is_put_right(wrong: list[str]) -> None:
    """A server would cut the connection over it."""
    reply = answer(BODY, 400, *(("content-length", size) for size in wrong)).reply
    assert reply.headers == (*HEADERS[:2], ID, OWN, ("Content-Length", str(len(BODY))))


def test_it_is_an_envelope_where_a_service_wants_it() -> None:
    """By one setting."""
    reply = answer(config=Config(keep_protocol_errors=False)).reply
    assert json.loads(reply.body)["error"]["message"] == "no order 7"


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("coding", ["", "gzip"])
def test_a_key_in_it_is_masked(key: str, coding: str) -> None:
    """It then goes out without its coding and what described it, and with its new length."""
    plain = body_of(f"x {key} \u00e4")
    described = [("Content-Encoding", "gzip"), ("Content-Digest", "x"), ("digest", "x")]
    sent = gzip.compress(plain) if coding else plain
    reply = answer(sent, 400, *(described if coding else [])).reply
    assert key.encode() not in reply.body
    message = json.loads(reply.body)["error"]["message"]
    assert message.startswith("x ")
    assert message.endswith("*** \u00e4")
    assert reply.headers == (TYPE, OWN, ID, ("Content-Length", str(len(reply.body))))


def test_what_is_encoded_stays_so() -> None:
    """It is read to be known, and sent as it came."""
    sent = gzip.compress(BODY)
    reply = answer(sent, 400, ("Content-Encoding", "gzip")).reply
    assert reply.body == sent
    assert ("Content-Encoding", "gzip") in reply.headers


def test_what_cannot_be_decoded_is_no_protocols() -> None:
    """A coding that is not known, or a body that does not have it."""
    for coding in ("compress", "gzip"):
        assert answer(BODY, 400, ("Content-Encoding", coding)).error.protocol is None


def test_a_browser_may_read_its_id() -> None:
    """Where the answer is for another origin at all."""
    reply = answer(BODY, 400, ("Access-Control-Allow-Origin", "*")).reply
    assert "X-Request-ID" in dict(reply.headers)["Access-Control-Expose-Headers"]


def test_a_field_that_no_server_sends_goes(caplog: pytest.LogCaptureFixture) -> None:
    """And is told."""
    reply = answer(BODY, 400, ("X-Bad", "a\r\nb")).reply
    assert reply.headers == (*HEADERS[:2], ID, OWN)
    assert "'X-Bad'" in caplog.messages[0]


# Status; level, type and code in the log.
RECORDS = [
    (400, "INFO", "invalid_request_error", "bad_request"),
    (401, "WARNING", "authentication_error", "invalid_api_key"),
    (429, "WARNING", "rate_limit_error", "too_many_requests"),
    (500, "WARNING", "server_error", "internal"),
    (502, "WARNING", "server_error", "service_unavailable"),
]


@pytest.mark.parametrize(("status", "level", "kind", "code"), RECORDS)
def test_one_record_names_the_protocol(
    status: int, level: str, kind: str, code: str, caplog: pytest.LogCaptureFixture
) -> None:
    """With the type and the code of the row, and the status that is sent."""
    caplog.set_level("DEBUG", "kaiko")
    assert answer(status=status).reply.status == status
    [record] = caplog.records
    said = vars(record)
    assert (record.levelname, said["type"], said["code"], said["status"]) == (
        level,
        kind,
        code,
        status,
    )
    assert said["protocol"] == "JSON-RPC"
    text = f"{status} {code}: kept as an error of JSON-RPC"
    assert record.getMessage() == f"GET /v2/chat -> {text} [{REQUEST_ID}]"


def test_hooks_see_it_as_well() -> None:
    """An error of another protocol is an error that was answered."""
    seen: list[ErrorReport] = []
    answer(config=Config(on_error=[seen.append]))
    assert [(report.error.protocol, report.error.status) for report in seen] == [("JSON-RPC", 400)]


def test_it_is_reported_later_where_the_driver_does(caplog: pytest.LogCaptureFixture) -> None:
    """A framework may yet raise what is behind it."""
    caplog.set_level("DEBUG", "kaiko")
    assert answer(status=500, report=False).error.protocol == "JSON-RPC"
    assert not caplog.records


def test_what_the_request_is_counts() -> None:
    """A form for OAuth, a header for Connect."""
    form = RequestInfo(REQUEST_ID, "POST", "/x", "application/x-www-form-urlencoded")
    unknown = RequestInfo(REQUEST_ID, "POST", "/x")
    connect = RequestInfo(REQUEST_ID, "POST", "/x", "application/json", "1")
    pipeline = Pipeline(Config())

    def protocols(body: bytes) -> list[str | None]:
        # The same answer, to one after another.
        asked = (REQUEST, form, connect, unknown)
        answers = [pipeline.on_answer(400, [TYPE], body, request) for request in asked]
        return [each.error.protocol for each in answers]

    assert protocols(b'{"error":"invalid_grant"}') == [None, "OAuth", None, None]
    assert protocols(b'{"code":"not_found"}') == [None, None, "Connect", None]
