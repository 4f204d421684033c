"""The rows again, over real HTTP: what a client of uvicorn sees on a socket."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from adapters.asgi.loopback import PROTOCOLS, Client, Protocol, connected, run, serving
from adapters.asgi.server import Answer, Socket
from adapters.starlette.row import (
    Alone,
    Closed,
    Connect,
    Cut,
    Gone,
    Row,
    Unreachable,
)
from adapters.starlette.rows import ROWS
from adapters.starlette.stacks import STACKS, Adopt, installed
from adapters.starlette.test_rows import check

if TYPE_CHECKING:
    from kaiko_asgi import ASGIApp, Receive, Scope, Send

OVER_HTTP = [
    row for row in ROWS if row.over_http and not isinstance(row.becomes, Unreachable | Gone)
]


class Switch:
    """Serves another application for each row on one port, since some answers name the port."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        await self.app(scope, receive, send)


async def send(port: int, row: Row) -> Answer | Socket:
    """Send a row's request over a socket."""
    async with connected(port) as client:
        if isinstance(row.ask, Connect):
            return await _open(client, row.ask, row)
        client.write(
            quote(row.ask.path, safe="/:"),
            method=row.ask.method,
            headers=row.ask.headers,
            body=row.ask.body,
        )
        return await client.read(row.ask.method)


async def _open(client: Client, ask: Connect, row: Row) -> Socket:
    seen = await client.upgrade(ask.path, ask.headers)
    if seen.accepted:
        for message in ask.incoming:
            client.write_frame(message["text"].encode())
        if isinstance(row.becomes, Closed):
            await client.closing(seen)
    return seen


@pytest.mark.parametrize("http", PROTOCOLS)
@pytest.mark.parametrize("adopt", STACKS, ids=lambda adopt: adopt.__name__)
def test_rows(adopt: Adopt, http: Protocol, caplog: pytest.LogCaptureFixture) -> None:
    """What a client sees of each row over a socket is what the contract makes of it."""
    caplog.set_level(logging.CRITICAL)
    caplog.set_level(logging.CRITICAL, logger="uvicorn.error")
    wrong: list[str] = []

    async def main() -> None:
        switch = Switch()
        async with serving(switch, http) as port:
            for row in OVER_HTTP:
                switch.app = adopt(row.app(), None)
                seen = await send(port, row)
                bare = None
                if isinstance(row.becomes, Alone):
                    switch.app = row.app()
                    bare = await send(port, row)
                try:
                    compare(row.as_adopted(installed=adopt is installed), seen, bare)
                except AssertionError as exc:
                    wrong.append(f"{row.name}: {exc!s:.300}\n{seen!s:.300}")

    run(main())
    assert not wrong, "\n\n".join(wrong)


def compare(row: Row, seen: Answer | Socket, bare: Answer | Socket | None) -> None:
    """Check what a client saw; an answer that is left alone is the bare application's."""
    if isinstance(row.becomes, Alone):
        assert isinstance(seen, Answer)
        assert isinstance(bare, Answer)
        assert seen.without_id() == bare.without_id()
        assert seen.status == row.becomes.status
        assert seen.id
    elif isinstance(row.becomes, Cut):
        # How much of a body arrives before the connection is cut is the server's business.
        assert isinstance(seen, Answer)
        assert not seen.whole
        assert row.becomes.before.startswith(seen.body)
    else:
        check(row, seen)
