"""Every way by which an error answer leaves a Starlette service leads to the contract."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING

import pytest

from adapters.asgi.apps import records_of
from adapters.asgi.server import Answer, Socket, ask, connect
from adapters.starlette.row import (
    Alone,
    Ask,
    Closed,
    Connect,
    Cut,
    Ended,
    Envelope,
    Row,
    Unreachable,
)
from adapters.starlette.rows import EVERY, ROWS
from adapters.starlette.stacks import STACKS, Adopt, installed
from kaiko_middleware.conformance import check_answer, check_event_stream

if TYPE_CHECKING:
    from kaiko_asgi import ASGIApp

IN_PROCESS = [row for row in ROWS if row.in_process and not isinstance(row.becomes, Unreachable)]


def send(app: ASGIApp, what: Ask | Connect) -> Answer | Socket:
    """Send a row's request."""
    if isinstance(what, Connect):
        return connect(app, what.path, headers=what.headers, incoming=what.incoming)
    return ask(
        app,
        what.path,
        method=what.method,
        headers=what.headers,
        body=what.body,
        leaves=what.leaves,
    )


def check(row: Row, seen: Answer | Socket) -> None:
    """Check what a client saw against what must become of the row."""
    answer = seen.denial if isinstance(seen, Socket) else seen
    match row.becomes:
        case Envelope() as wanted:
            assert answer is not None
            assert check_answer(answer.status, answer.headers, answer.body) == []
            error = json.loads(answer.body)["error"]
            assert (answer.status, error["type"], error["code"]) == (
                wanted.status,
                wanted.type,
                wanted.code,
            )
            assert error["request_id"] == answer.id
            for name, value in wanted.headers:
                assert answer.one(name) == value
            assert answer.whole
        case Closed() as wanted:
            assert isinstance(seen, Socket)
            assert seen.accepted
            assert seen.closed is not None
            code, reason = seen.closed
            assert (code, reason.split()[0]) == (wanted.status, wanted.code)
            assert dict(seen.headers)["x-request-id"] == reason.split()[1]
        case Ended() as wanted:
            assert answer is not None
            assert (answer.status, answer.whole) == (200, True)
            assert check_event_stream(answer.body, request_id=answer.id) == []
            assert f'"code":"{wanted.code}"'.encode() in answer.body
        case Cut() as wanted:
            assert answer is not None
            assert (answer.status, answer.whole, answer.body) == (200, False, wanted.before)
            assert answer.id
        case Alone():
            assert answer is not None
            bare = send(row.app(), row.ask)
            assert isinstance(bare, Answer)
            assert answer.without_id() == bare.without_id()
            assert answer.status == row.becomes.status
            assert len(answer.all("x-request-id")) == (1 if answer.status >= 200 else 0)
            assert repr(answer.raised) == repr(bare.raised)
        case _:
            pytest.fail(f"{row.name} is for a real server")


def check_records(row: Row, seen: Answer | Socket, records: list[logging.LogRecord]) -> None:
    """Check that what went wrong is logged exactly once, with the id that the client has."""
    raised = isinstance(row.becomes, Alone) and seen.raised is not None
    if isinstance(row.becomes, Alone) and not raised:
        assert records == []
        return
    (record,) = records
    answer = seen.denial if isinstance(seen, Socket) else seen
    request_id = answer.id if answer is not None else ""
    assert request_id in {"", record.__dict__["request_id"]}
    if isinstance(row.becomes, Envelope):
        assert record.__dict__["status"] == row.becomes.status
        assert record.__dict__["code"] == row.becomes.code


@pytest.mark.parametrize("adopt", STACKS, ids=lambda adopt: adopt.__name__)
@pytest.mark.parametrize("row", IN_PROCESS, ids=lambda row: row.name)
def test_row(row: Row, adopt: Adopt, caplog: pytest.LogCaptureFixture) -> None:
    """The answer is what the contract makes of it, and the log has one record."""
    caplog.set_level(logging.INFO, logger="kaiko")
    row = row.as_adopted(installed=adopt is installed)
    seen = send(adopt(row.app(), None), row.ask)
    # A note on dropped headers may be there, too.
    records = [item for item in records_of(caplog) if "were dropped" not in item.getMessage()]
    check_records(row, seen, records)
    check(row, seen)


def test_no_row_is_missing() -> None:
    """All 128 ways that were found by experiment stand in the table, each once."""
    names = [row.name for row in EVERY]
    assert len(names) == len(set(names)) == 128
