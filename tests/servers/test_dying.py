"""Workers that die, as docs/servers.md tells: their client is cut off, and who is served then."""

from __future__ import annotations

from dataclasses import replace
from http.client import HTTPConnection
from typing import TYPE_CHECKING

import pytest

from kaiko_middleware.conformance import check_answer
from servers.running import running
from servers.server_list import SERVERS
from servers.test_refusals import answer

if TYPE_CHECKING:
    from pathlib import Path

BY_NAME = {server.name: server for server in SERVERS}
_DIES = b"GET /dies HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
_NEXT = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


@pytest.mark.parametrize(
    ("name", "app"),
    [
        ("gunicorn-sync", "wsgi_application"),
        ("gunicorn-uvicorn", "application"),
        ("gunicorn-asgi", "application"),
    ],
)
def test_gunicorn_serves_the_next_client(name: str, app: str, tmp_path: Path) -> None:
    """The next one waits until the worker is replaced."""
    server = BY_NAME[name]
    dying = replace(server, command=(*server.command[:-1], f"servers.dying:{app}"))
    with running(dying, tmp_path / "log") as started:
        assert answer(started.port, _DIES) == "closed"
        assert answer(started.port, _NEXT) == "passed on"


def test_granian_serves_nobody(tmp_path: Path) -> None:
    """Without its setting, it ends with its only worker."""
    server = BY_NAME["granian"]
    dying = replace(server, command=(*server.command[:-1], "servers.dying:application"))
    with running(dying, tmp_path / "log") as started:
        assert answer(started.port, _DIES) == "closed"
        try:
            assert answer(started.port, _NEXT) == "closed"
        except ConnectionRefusedError:
            pass


@pytest.mark.parametrize("path", ["/exits", "/exits_in_thread"])
@pytest.mark.parametrize("name", ["uvicorn-h11", "hypercorn", "granian", "gunicorn-asgi", "daphne"])
def test_exit_is_answered_first(name: str, path: str, tmp_path: Path) -> None:
    """What ends the process leaves once the client has its answer."""
    server = BY_NAME[name]
    exiting = replace(server, command=(*server.command[:-1], "servers.dying:contracted"))
    with running(exiting, tmp_path / "log") as started:
        connection = HTTPConnection("127.0.0.1", started.port, timeout=30)
        connection.request("GET", path)
        response = connection.getresponse()
        assert check_answer(response.status, response.getheaders(), response.read()) == []
        assert response.status == 500
        connection.close()
