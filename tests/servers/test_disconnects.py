"""Clients that leave: the stream they left is ended, and the server serves on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.asgi.loopback import connected, fetch, run
from conformance.scenarios import BY_NAME
from servers.asking import on_servers, send

if TYPE_CHECKING:
    from servers.running import Running
    from servers.server_list import App

_TRIES = 5_000


async def _leave(port: int, app: App) -> int:
    async with connected(port) as client:
        client.write("/endless", headers=[("X-Served", app)])
        head = await client.head()
        assert await client.reader.read(1)
        return head.status


async def _left(port: int, app: App) -> int:
    return int((await fetch(port, "/left", headers=[("X-Served", app)])).body)


@on_servers()
def test_a_client_that_leaves_ends_its_stream(server: Running) -> None:
    """The application hears of it, and the next client is served."""
    for app in server.server.apps:
        before = run(_left(server.port, app))
        assert run(_leave(server.port, app)) == 200
        assert any(run(_left(server.port, app)) > before for _ in range(_TRIES))
        assert send(server, app, BY_NAME["ok"]).status == 200


async def _half_a_request(port: int) -> None:
    async with connected(port) as client:
        client.writer.write(
            b"POST /s/parsed HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\n"
        )
        await client.writer.drain()


@on_servers()
def test_a_client_that_leaves_its_body_behind(server: Running) -> None:
    """Half a request harms nobody."""
    for app in server.server.apps:
        for _ in range(3):
            run(_half_a_request(server.port))
        seen = send(server, app, BY_NAME["typed-404"])
        assert (seen.status, seen.cut) == (404, False)
