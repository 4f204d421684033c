"""What is checked of a row, in a framework that stands on Django."""

from __future__ import annotations

import json
import warnings
from typing import TYPE_CHECKING

import pytest

from adapters.django.row import Alone, Ended, Envelope, Raised, Row
from adapters.django.stacks import STACKS, Stack
from kaiko_middleware.conformance import check_answer, check_json_lines

if TYPE_CHECKING:
    from adapters.asgi.server import Answer
    from adapters.django.row import Becomes

each_stack = pytest.mark.parametrize("stack", STACKS, ids=lambda stack: stack.name)


def cases(*rows: Row) -> pytest.MarkDecorator:
    """Run a test with each row on each stack that has the way."""
    return pytest.mark.parametrize(
        ("row", "stack"),
        [
            pytest.param(row, stack, id=f"{row.name}-{stack.name}")
            for row in rows
            for stack in STACKS
            if row.on in {"both", "asgi" if stack.asgi else "wsgi"}
        ],
    )


def becomes(row: Row, stack: Stack) -> Becomes | None:
    """Return what becomes of a row on a stack; None where the server answers."""
    if row.wrapper_only and not stack.wrapped:
        return None
    return row.asgi if row.asgi is not None and stack.asgi else row.becomes


def ask(row: Row, stack: Stack) -> Answer:
    """Send the row's request."""
    what = row.ask
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Django warns of what some rows do
        return stack.ask(
            row.project, what.path, method=what.method, headers=what.headers, body=what.body
        )


def check(row: Row, stack: Stack, caplog: pytest.LogCaptureFixture) -> None:
    """Send the row's request; check what comes back, and what is logged."""
    caplog.set_level("INFO")
    answer = ask(row, stack)
    check_answered(row, stack, answer)
    check_record(row, stack, answer, caplog)


def check_answered(row: Row, stack: Stack, answer: Answer) -> None:
    """Check that the answer is what the contract makes of the row."""
    match becomes(row, stack):
        case None:
            assert answer.raised is not None or answer.status >= 500
        case Envelope() as wanted:
            check_envelope(answer, wanted, method=row.ask.method)
        case Ended() as wanted:
            assert (answer.status, answer.whole, answer.raised) == (200, True, None)
            assert check_json_lines(answer.body, request_id=answer.id) == []
            assert f'"code":"{wanted.code}"'.encode() in answer.body
        case Alone() as wanted:
            assert answer.status == wanted.status
            assert answer.id
            assert check_answer(answer.status, answer.headers, answer.body) == [] or (
                wanted.status >= 400
            )
        case Raised():
            assert (answer.status, answer.whole) == (0, False)
            assert answer.raised is not None
        case _:
            pytest.fail(f"no row of this framework becomes {row.becomes}")


def check_envelope(answer: Answer, wanted: Envelope, *, method: str = "GET") -> None:
    """Check an envelope, and that nothing of what was raised is in it."""
    assert check_answer(answer.status, answer.headers, answer.body, method=method) == []
    assert (answer.status, answer.whole) == (wanted.status, True)
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


def check_record(row: Row, stack: Stack, answer: Answer, caplog: pytest.LogCaptureFixture) -> None:
    """Check that an error is logged exactly once, with the id that the client has."""
    records = [item.__dict__ for item in caplog.records if item.name.split(".")[0] == "kaiko"]
    match becomes(row, stack):
        case Envelope() as wanted:
            (record,) = records
            assert record["request_id"] == answer.id
            assert (record["status"], record["code"]) == (wanted.status, wanted.code)
        case Ended() | Alone(reported=True):
            (record,) = records
            assert record["request_id"] == answer.id
        case Alone():
            assert records == []
        case _:
            pass
