"""WebSockets that fail: denied before they are accepted, closed after."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from adapters.asgi.loopback import connected, run
from kaiko_middleware.conformance import check_answer
from servers.asking import on_servers

if TYPE_CHECKING:
    from adapters.asgi.server import Socket
    from servers.running import Running


async def _open(port: int, path: str) -> Socket:
    async with connected(port) as client:
        seen = await client.upgrade(path)
        return await client.closing(seen) if seen.accepted else seen


async def _echo(port: int) -> tuple[int, bytes]:
    async with connected(port) as client:
        assert (await client.upgrade("/echoes")).accepted
        client.write_frame(b"hello")
        return await client.frame()


@on_servers(lambda row: row.denials)
def test_a_denial_is_an_envelope(server: Running) -> None:
    """What is raised before `accept` answers the handshake."""
    denial = run(_open(server.port, "/denied")).denial
    assert denial is not None
    assert denial.whole
    assert json.loads(denial.body)["error"]["message"] == "There is no such room"
    assert check_answer(denial.status, denial.headers, denial.body) == []


@on_servers(lambda row: row.websockets and not row.denials)
def test_a_denial_is_empty_elsewhere(server: Running) -> None:
    """A server without the extension answers 403, and no more."""
    denial = run(_open(server.port, "/denied")).denial
    assert denial is not None
    assert (denial.status, denial.body) == (403, b"")


@on_servers(lambda row: row.closes)
@pytest.mark.parametrize(
    ("path", "code", "reason"), [("/fails", 1011, "internal"), ("/ends", 1008, "not_found")]
)
def test_a_close_says_why(server: Running, path: str, code: int, reason: str) -> None:
    """What is raised after `accept` closes the socket with the error's code and the id."""
    closed = run(_open(server.port, path)).closed
    assert closed is not None
    assert closed[0] == code
    assert closed[1].startswith(f"{reason} req-")


@on_servers(lambda row: row.websockets)
def test_a_socket_that_works(server: Running) -> None:
    """Where nothing fails, nothing changes; and the server serves on."""
    for path in ("/denied", "/denied"):
        run(_open(server.port, path))
    assert run(_echo(server.port)) == (1, b"hello")
