"""Every way by which an error answer leaves a Django service leads to the contract."""

from __future__ import annotations

import json
import logging
import warnings
from typing import TYPE_CHECKING

import pytest

from adapters.django.row import Alone, Cut, Ended, Envelope, Gone, Raised, Row
from adapters.django.rows_around import AROUND
from adapters.django.rows_views import BASE, ORM, RAISED, RETURNED, STREAMED, TEMPLATES
from adapters.django.stacks import BARE, STACKS, Stack
from kaiko_middleware.conformance import check_answer, check_event_stream

if TYPE_CHECKING:
    from adapters.asgi.server import Answer
    from adapters.django.row import Becomes

ROWS = (*RAISED, *BASE, *RETURNED, *STREAMED, *TEMPLATES, *ORM, *AROUND)
CASES = [
    pytest.param(row, stack, id=f"{row.name}-{stack.name}")
    for row in ROWS
    for stack in STACKS
    if row.on in {"both", "asgi" if stack.asgi else "wsgi"}
]


def becomes(row: Row, stack: Stack) -> Becomes | None:
    """Return what becomes of a row on a stack; None where the server answers."""
    if row.wrapper_only and not stack.wrapped:
        return None
    return row.asgi if row.asgi is not None and stack.asgi else row.becomes


def ask(row: Row, stack: Stack, *, ours: bool = True) -> Answer:
    """Send the row's request."""
    what = row.ask
    with warnings.catch_warnings():
        # Django warns of what a row does: an aware server would, too.
        warnings.simplefilter("ignore")
        return stack.ask(
            row.project,
            what.path,
            method=what.method,
            headers=what.headers,
            body=what.body,
            ours=ours,
        )


def check_envelope(row: Row, wanted: Envelope, answer: Answer) -> None:
    """Check an envelope, and that nothing of what was raised is in it."""
    method = row.ask.method
    assert check_answer(answer.status, answer.headers, answer.body, method=method) == []
    assert answer.status == wanted.status
    assert answer.whole
    for name, value in wanted.headers:
        assert answer.one(name) == value
    for name in wanted.absent:
        assert answer.all(name) == []
    if method == "HEAD":
        return
    error = json.loads(answer.body)["error"]
    assert (error["type"], error["code"]) == (wanted.type, wanted.code)
    assert error["request_id"] == answer.id
    assert b"secret" not in answer.body


def check(row: Row, stack: Stack, answer: Answer) -> None:
    """Check the answer: it is what the contract makes of the row."""
    match becomes(row, stack):
        case None:
            assert answer.raised is not None or answer.status >= 400
        case Envelope() as wanted:
            check_envelope(row, wanted, answer)
        case Ended() as wanted:
            assert (answer.status, answer.whole, answer.raised) == (200, True, None)
            assert check_event_stream(answer.body, request_id=answer.id) == []
            assert f'"code":"{wanted.code}"'.encode() in answer.body
        case Cut() as wanted:
            assert (answer.status, answer.whole) == (200, False)
            assert answer.body.startswith(wanted.before)
            assert isinstance(answer.raised, Exception)
            assert answer.id
        case Alone() as wanted:
            bare = Stack("bare", BARE[stack.asgi], asgi=stack.asgi, wrapped=False)
            assert answer.status == wanted.status
            assert len(answer.all("x-request-id")) == 1
            assert [name for name, _ in answer.headers if name.lower() != "x-request-id"] == [
                name for name, _ in ask(row, bare, ours=False).headers
            ]
        case Gone():
            assert (answer.status, answer.raised) == (500, None)
        case Raised():
            assert (answer.status, answer.whole) == (0, False)
            assert answer.raised is not None


def check_records(row: Row, stack: Stack, answer: Answer, records: list[logging.LogRecord]) -> None:
    """Check that what went wrong is logged exactly once, with the id that the client has."""
    match becomes(row, stack):
        case Envelope() as wanted:
            (record,) = records
            assert record.__dict__["request_id"] == answer.id
            assert record.__dict__["status"] == wanted.status
            assert record.__dict__["code"] == wanted.code
        case Ended():
            (record,) = records
            assert record.__dict__["request_id"] == answer.id
        case Cut():
            assert len(records) == (1 if stack.wrapped else 0)
        case Alone(reported=True):
            (record,) = records
            assert record.__dict__["request_id"] == answer.id
        case Alone() | Gone() | Raised():
            assert [item.getMessage() for item in records] == []
        case None:
            pass


@pytest.mark.parametrize(("row", "stack"), CASES)
def test_row(row: Row, stack: Stack, caplog: pytest.LogCaptureFixture) -> None:
    """The answer is what the contract makes of it, and the log has one record."""
    caplog.set_level(logging.INFO)
    answer = ask(row, stack)
    ours = [item for item in caplog.records if item.name.split(".")[0] == "kaiko"]
    check_records(row, stack, answer, ours)
    check(row, stack, answer)
