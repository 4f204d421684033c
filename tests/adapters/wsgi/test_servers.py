"""The standard library's server, which speaks HTTP/1.0; tests/servers has the others."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from adapters.wsgi.seen import Seen
from kaiko_middleware.conformance import check_answer, check_event_stream, check_json_lines
from servers.running import running
from servers.server_list import Server

if TYPE_CHECKING:
    from collections.abc import Iterator

WSGIREF = Server(
    "wsgiref", ("servers.launch", "wsgiref", "{fd}", "servers.served_wsgi:wsgi_application")
)


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port that the server listens on."""
    with running(WSGIREF, tmp_path_factory.mktemp("wsgiref") / "log") as started:
        yield started.port


@pytest.mark.parametrize(
    ("name", "status", "code"),
    [
        ("typed-404", 404, "scenario_context_not_found"),
        ("unmapped", 500, "internal"),
        ("plain-text", 409, "conflict"),
        ("stream-fails-first", 500, "internal"),
    ],
)
def test_error(port: int, name: str, status: int, code: str) -> None:
    """An error is an envelope."""
    seen = Seen(port, f"/s/{name}")
    assert check_answer(seen.status, seen.headers, seen.body) == []
    assert (seen.status, json.loads(seen.body)["error"]["code"]) == (status, code)
    assert seen.whole


def test_head(port: int) -> None:
    """HEAD leaves the connection in order."""
    seen = Seen(port, "/s/typed-404", "HEAD")
    assert (seen.status, seen.body, seen.whole) == (404, b"", True)


def test_streams_that_fail(port: int) -> None:
    """Events and JSON lines end with an envelope; of any other stream no client can tell."""
    events, lines = Seen(port, "/s/events-fail"), Seen(port, "/s/lines-fail")
    assert events.body.startswith(b"data: 1\n\nevent: error\n")
    assert check_event_stream(events.body, request_id=events.id) == []
    assert check_json_lines(lines.body, request_id=lines.id) == []
    text = Seen(port, "/s/text-fails")
    assert (text.status, text.body, text.whole) == (200, b"a", True)


def test_server_survives(port: int) -> None:
    """After such requests, the server answers a success, with its id."""
    for name in ("unmapped", "events-fail"):
        Seen(port, f"/s/{name}")
        fine = Seen(port, "/s/ok")
        assert (fine.status, fine.body, fine.id[:4]) == (200, b'{"ok":true}', "req-")
