"""What Litestar does itself: its validation, its WebSockets, the places where the id stands."""

from __future__ import annotations

import json

import pytest

from adapters.asgi.server import ask, connect
from adapters.litestar.apps import make_app
from kaiko_middleware.conformance import check_answer

APP = make_app(adopted=True)


def test_id() -> None:
    """The id stands in the context and in the request's state."""
    answer = ask(APP, "/id")
    assert json.loads(answer.body) == [answer.id, answer.id]


@pytest.mark.parametrize("body", [b'{"a":"secret"}', b'{"a"', b"[]"])
def test_validation(body: bytes) -> None:
    """What Litestar refuses is a 400 that repeats nothing of the request."""
    answer = ask(
        APP,
        "/validated?limit=secret",
        method="POST",
        headers=[("Content-Type", "application/json"), ("Content-Length", str(len(body)))],
        body=[body],
    )
    assert answer.status == 400
    assert check_answer(answer.status, answer.headers, answer.body) == []
    assert json.loads(answer.body)["error"]["code"] == "bad_request"
    assert b"secret" not in answer.body


def test_denied_socket() -> None:
    """Litestar closes a socket whose handler fails, so a refusal is 403 whatever was raised."""
    denial = connect(APP, "/before").denial
    assert denial is not None
    assert (denial.status, json.loads(denial.body)["error"]["code"]) == (403, "permission_denied")


def test_closed_socket() -> None:
    """After `accept`, the close is Litestar's own."""
    assert connect(APP, "/after").closed == (4500, "Internal Server Error")
