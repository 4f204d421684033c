"""Real WSGI servers on the loopback interface: what a client sees of a plain application."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from adapters.wsgi.seen import Seen
from kaiko_middleware.conformance import check_answer, check_event_stream, check_json_lines
from servers.running import running
from servers.server_list import GRANIAN, Server

if TYPE_CHECKING:
    from collections.abc import Iterator

_SERVED = "adapters.wsgi.served_app"
_SERVERS = (
    Server("wsgiref", (_SERVED, "wsgiref", "{fd}")),
    Server("waitress", (_SERVED, "waitress", "{fd}")),
    Server("gunicorn", ("gunicorn", "--bind=fd://{fd}", "--graceful-timeout=1", f"{_SERVED}:app")),
    Server("granian", (*GRANIAN, "--interface=wsgi", f"{_SERVED}:app")),
)


@pytest.fixture(scope="module", params=_SERVERS, ids=lambda server: server.name)
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, int]]:
    """The server's name, and the port that it listens on."""
    with running(request.param, tmp_path_factory.mktemp("wsgi") / "log") as started:
        yield request.param.name, started.port


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/typed", 404, "not_found"),
        ("/bug", 500, "internal"),
        ("/refused", 409, "conflict"),
        ("/first", 500, "internal"),
    ],
)
def test_error(server: tuple[str, int], path: str, status: int, code: str) -> None:
    """An error is an envelope."""
    seen = Seen(server[1], path)
    assert check_answer(seen.status, seen.headers, seen.body) == []
    assert (seen.status, json.loads(seen.body)["error"]["code"]) == (status, code)
    assert seen.whole


def test_head(server: tuple[str, int]) -> None:
    """HEAD leaves the connection in order."""
    seen = Seen(server[1], "/typed", "HEAD")
    assert (seen.status, seen.body, seen.whole) == (404, b"", True)


def test_streams_that_fail(server: tuple[str, int]) -> None:
    """Events and JSON lines end with an envelope, and are whole."""
    events, lines = Seen(server[1], "/events"), Seen(server[1], "/lines")
    assert (events.status, events.whole) == (lines.status, lines.whole) == (200, True)
    assert events.body.startswith(b"data: 1\n\ndata: 2\n\nevent: error\n")
    assert check_event_stream(events.body, request_id=events.id) == []
    assert check_json_lines(lines.body, request_id=lines.id) == []


def test_stream(server: tuple[str, int]) -> None:
    """A healthy stream keeps its status and its headers."""
    seen = Seen(server[1], "/made")
    assert (seen.status, seen.body, seen.whole) == (201, b"a\nb\n", True)
    assert ("X-Own", "1") in [(name.title(), value) for name, value in seen.headers]


def test_text_is_cut(server: tuple[str, int]) -> None:
    """Any other stream is cut; HTTP/1.0, which wsgiref speaks, cannot tell the client."""
    name, port = server
    if name == "granian":  # it may cut before it has sent anything, the head included
        pytest.skip("a limit of granian's")
    seen = Seen(port, "/text")
    assert seen.status == 200
    assert seen.body.startswith(b"chunk")
    assert seen.whole is (name == "wsgiref")


def test_server_survives(server: tuple[str, int]) -> None:
    """After such requests, the server answers a success, with its id."""
    for path in ("/bug", "/events"):
        Seen(server[1], path)
        fine = Seen(server[1], "/fine")
        assert (fine.status, fine.body, fine.id[:4]) == (200, b"ok", "req-")
