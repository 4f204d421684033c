"""What daphne cannot do, on a daphne of its own: what breaks off there harms it for good.

A test that fails here is good news: then the table and docs/servers.md can promise more.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from adapters.asgi.loopback import connected, run
from conformance.scenarios import BY_NAME
from servers.asking import send
from servers.running import Running, running
from servers.server_list import SERVERS

if TYPE_CHECKING:
    from collections.abc import Iterator

(DAPHNE,) = [row for row in SERVERS if row.name == "daphne"]
_CLOSE = 8


@pytest.fixture(scope="module")
def daphne(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A daphne that no other module's tests ask."""
    with running(DAPHNE, tmp_path_factory.mktemp("limits") / "daphne.log") as started:
        yield started


def test_no_other_server_has_these_limits() -> None:
    """The table says them of daphne alone, but uWSGI cuts nothing either.

    gunicorn's ASGI worker cannot refuse a socket.
    """
    sockets = [row for row in SERVERS if row.websockets]
    assert [row.name for row in SERVERS if not row.cuts] == ["daphne", "uwsgi"]
    assert [row for row in sockets if not row.closes] == [DAPHNE]
    assert [row.name for row in sockets if not row.denials] == ["gunicorn-asgi", "daphne"]


def test_a_stream_that_breaks_off_stays_open(daphne: Running) -> None:
    """Its client is told neither that it ended nor that it failed; others are served."""

    async def waiting() -> bytes:
        async with connected(daphne.port) as client:
            client.write("/s/text-fails")
            await client.head()
            assert await client.chunk() == b"a"
            async with asyncio.timeout(2):  # its checks run once in a second
                return await client.reader.read(1)

    with pytest.raises(TimeoutError):
        run(waiting())
    assert send(daphne, "starlette", BY_NAME["ok"]).status == 200


@pytest.mark.parametrize(("path", "code"), [("/ends", 4008), ("/fails", 4011)])
def test_a_socket_is_closed_with_a_private_code(daphne: Running, path: str, code: int) -> None:
    """daphne refuses 1008 and 1011 of an application, and sends no reason."""

    async def closing() -> tuple[int, bytes]:
        async with connected(daphne.port) as client:
            assert (await client.upgrade(path)).accepted
            return await client.frame()

    assert run(closing()) == (_CLOSE, code.to_bytes(2))
