"""Real servers on the loopback interface: what a client sees of errors and of streams."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from adapters.django.served_apart import served_apart
from adapters.wsgi.seen import Seen
from kaiko_middleware.conformance import check_answer, check_event_stream, check_json_lines

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module", params=["waitress", "uvicorn"])
def port(request: pytest.FixtureRequest) -> Iterator[int]:
    """The port that the server listens on."""
    with served_apart("served_project", request.param) as listening:
        yield listening


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/typed", 404, "not_found"),
        ("/bug", 500, "internal"),
        ("/refused", 409, "conflict"),
        ("/nowhere", 404, "not_found"),
        ("/first", 500, "internal"),
    ],
)
def test_error(port: int, path: str, status: int, code: str) -> None:
    """An error is an envelope."""
    seen = Seen(port, path)
    assert check_answer(seen.status, seen.headers, seen.body) == []
    assert (seen.status, json.loads(seen.body)["error"]["code"]) == (status, code)
    assert seen.whole


def test_head(port: int) -> None:
    """HEAD leaves the connection in order."""
    seen = Seen(port, "/typed", "HEAD")
    assert (seen.status, seen.body, seen.whole) == (404, b"", True)


def test_fine(port: int) -> None:
    """A success has its id."""
    assert Seen(port, "/fine").status == 200


def test_events(port: int) -> None:
    """A failing event stream ends with an error event, and is whole."""
    seen = Seen(port, "/events")
    assert (seen.status, seen.whole) == (200, True)
    assert seen.body.startswith(b"data: 1\n\ndata: 2\n\nevent: error\n")
    assert check_event_stream(seen.body, request_id=seen.id) == []


def test_lines(port: int) -> None:
    """So do JSON lines."""
    seen = Seen(port, "/lines")
    assert (seen.status, seen.whole) == (200, True)
    assert check_json_lines(seen.body, request_id=seen.id) == []


def test_text(port: int) -> None:
    """Anything else is cut, so that the client sees it."""
    seen = Seen(port, "/text")
    assert (seen.status, seen.body, seen.whole) == (200, b"chunk", False)


def test_server_survives(port: int) -> None:
    """After all of that, the server answers."""
    for path in ("/bug", "/text", "/events"):
        Seen(port, path)
        assert Seen(port, "/fine").status == 200
