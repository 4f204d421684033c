"""Starts that fail: each cell of that table in docs/servers.md, by experiment."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from servers.running import running
from servers.server_list import SERVERS, Server
from servers.test_refusals import COLUMNS, said, table

if TYPE_CHECKING:
    from pathlib import Path

STARTS = {
    "The application cannot be imported": "servers.absent:application",
    "Its lifespan fails": "servers.failing_start:application",
}
WSGI_STARTS = {"The application cannot be imported"}

CASES = [
    pytest.param(server, name, id=f"{server.name}-{name}")
    for server in SERVERS
    for name in (STARTS if server.is_asgi else WSGI_STARTS)
    if server.name not in COLUMNS and said("Start that fails", name, server) != "has none"
]


@pytest.mark.parametrize(("server", "name"), CASES)
def test_a_start_that_fails(server: Server, name: str, tmp_path: Path) -> None:
    """The server does what the page says."""
    assert said("Start that fails", name, server) == "ends"
    failing = replace(server, command=(*server.command[:-1], STARTS[name]))
    log = tmp_path / "log"
    with pytest.raises(AssertionError, match="the server ended"), running(failing, log):
        pass


def test_the_page_tells_all() -> None:
    """Each start that is tried is on the page, and no other."""
    assert {row for row, _ in table("Start that fails")} == STARTS.keys()
    assert {row for row, _ in table("WSGI start that fails")} == WSGI_STARTS
