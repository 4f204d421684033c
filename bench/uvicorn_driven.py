"""uvicorn's protocol without a socket: what a server does for a request, in this process.

A transport that drops what is written makes its instructions countable.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

import uvicorn
from uvicorn.protocols.http.auto import AutoHTTPProtocol
from uvicorn.server import ServerState

from bench.answers import check
from bench.starlette_site import service

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.measure import Run
    from kaiko_middleware import Config

_REQUEST = (
    "GET /v2/{} HTTP/1.1\r\nhost: 127.0.0.1:8000\r\nuser-agent: bench\r\n"
    "accept: */*\r\nx-api-key: kaiko_test_0123456789abcdef\r\n\r\n"
)


class _Transport(asyncio.Transport):
    """Keeps the first answer's first bytes."""

    def __init__(self) -> None:
        super().__init__({"sockname": ("127.0.0.1", 8000), "peername": ("127.0.0.1", 50000)})
        self.head = b""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.head = self.head or bytes(data)

    def is_closing(self) -> bool:
        return False

    def close(self) -> None:
        msg = "the server closes the connection"
        raise RuntimeError(msg)


def served(name: str, config: Config | None, status: int) -> Run:
    """Return the Starlette service under uvicorn's protocol.

    Arguments:
        name: the endpoint that is asked.
        config: None: without the toolkit.
        status: what it has to answer, which is checked once.

    """
    settings = uvicorn.Config(
        service(config), log_level="warning", access_log=False, lifespan="off"
    )
    settings.load()
    loop = asyncio.new_event_loop()
    state = ServerState()
    transport = _Transport()
    request = _REQUEST.format(name).encode("ascii")

    async def connect(make: Callable[..., asyncio.Protocol]) -> asyncio.Protocol:
        protocol = make(settings, state, {}, loop)
        protocol.connection_made(transport)
        return protocol

    protocol = loop.run_until_complete(connect(AutoHTTPProtocol))

    async def ask(times: int) -> None:
        for _ in range(times):
            protocol.data_received(request)
            (answering,) = state.tasks
            await answering

    def run(asking: asyncio.AbstractEventLoop, times: int) -> None:
        asking.run_until_complete(ask(times))

    run(loop, 1)
    check(name, int(transport.head.split()[1]), status)
    return partial(run, loop)
