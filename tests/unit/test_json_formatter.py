"""Records as JSON: whatever is on a record, one object on one line comes out."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from kaiko_middleware import ForbiddenError, JsonFormatter
from kaiko_middleware.report import RequestInfo, report_error

REQUEST = RequestInfo("req-0123456789", "GET", "/v2/contexts")


def lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    """Format what was logged."""
    written = [JsonFormatter().format(record) for record in caplog.records]
    assert not any("\n" in line for line in written)
    return [json.loads(line) for line in written]


def made(**attributes: object) -> logging.LogRecord:
    """Make a record with attributes of its own."""
    return logging.makeLogRecord({"msg": "said", "levelname": "INFO", "created": 1.5, **attributes})


def test_a_record_of_ours_has_its_attributes_as_members(caplog: pytest.LogCaptureFixture) -> None:
    """An index of logs can search for them."""
    error = ForbiddenError("kaiko_live_Secret0001 was revoked", code="key_revoked")
    report_error(error, None, REQUEST, (), unmapped=False)
    (line,) = lines(caplog)
    assert line.pop("time").endswith("Z")
    assert line == {
        "level": "WARNING",
        "logger": "kaiko",
        "message": "GET /v2/contexts -> 403 key_revoked: kaiko_live_*** was revoked"
        " [req-0123456789]",
        "type": "forbidden_error",
        "code": "key_revoked",
        "status": 403,
        "param": None,
        "request_id": "req-0123456789",
        "method": "GET",
        "path": "/v2/contexts",
    }


def test_an_unmapped_exception_has_the_compact_text(caplog: pytest.LogCaptureFixture) -> None:
    """Its keys are masked, which the full traceback's are not."""
    report_error(ForbiddenError(), ValueError("kaiko_live_Secret0001"), REQUEST, (), unmapped=True)
    (line,) = lines(caplog)
    assert line["exception"] == "ValueError: kaiko_live_***"


def test_any_other_exception_has_its_traceback() -> None:
    """As every formatter has it."""
    with pytest.raises(ValueError, match="no") as caught:
        int("no")
    exc_info = caught.type, caught.value, caught.tb
    record = made(exc_info=exc_info, stack_info="Stack:\n  here")
    line = json.loads(JsonFormatter().format(record))
    assert line["exception"].startswith("Traceback")
    assert line["exception"] == record.exc_text
    assert line["stack"] == "Stack:\n  here"


class _Unprintable:
    def __str__(self) -> str:
        raise KeyError

    def __repr__(self) -> str:
        return "<unprintable>"


def _circle() -> list[object]:
    circle: list[object] = []
    circle.append(circle)
    return circle


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("é\u2028\ud800", "é\u2028\ud800"),
        (Exception("text"), "text"),
        ([1, {"a": None}], [1, {"a": None}]),
        (float("nan"), "nan"),
        (_circle(), "[[...]]"),
        ({(): 1}, "{(): 1}"),
        (_Unprintable(), "<unprintable>"),
    ],
    ids=ascii,
)
def test_a_value_of_any_kind_is_written(value: object, written: object) -> None:
    """A record is never lost for what somebody put on it."""
    line = json.loads(JsonFormatter().format(made(given=value)))
    assert line["given"] == written
    assert list(line) == ["time", "level", "logger", "message", "given"]


def test_djangos_request_stays_out() -> None:
    """Its text has the query, which can hold anything."""
    line = json.loads(JsonFormatter().format(made(request="<WSGIRequest: GET '/?key=1'>")))
    assert "request" not in line
    assert line["time"] == "1970-01-01T00:00:01.500Z"
