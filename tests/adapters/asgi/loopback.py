"""A real uvicorn on loopback, and clients that notice when an answer is not whole.

Server and client share one event loop, so that a test can say with events what happens
before what; nothing waits for time to pass.
"""

from __future__ import annotations

import asyncio
import os
import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Literal, TypeVar

import uvicorn

from adapters.asgi.server import Answer, Socket

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Coroutine, Iterable, Sequence

    from kaiko_asgi import ASGIApp

Protocol = Literal["h11", "httptools"]
PROTOCOLS: tuple[Protocol, ...] = ("h11", "httptools")
_PATIENCE = 60  # seconds until a test that hangs is ended


_T = TypeVar("_T")


def run(main: Coroutine[object, object, _T]) -> _T:
    """Run a test's coroutine; end it where it hangs."""

    async def bounded() -> _T:
        async with asyncio.timeout(_PATIENCE):
            return await main

    return asyncio.run(bounded())


@asynccontextmanager
async def serving(
    app: ASGIApp, http: Protocol = "h11", *, ws: str = "wsproto"
) -> AsyncGenerator[int]:
    """Serve `app` on a free loopback port, and yield it."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        app, http=http, ws=ws, loop="asyncio", lifespan="off", log_config=None, access_log=False
    )
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup(sockets=[listener])
    port: int = listener.getsockname()[1]
    try:
        yield port
    finally:
        # Not `server.shutdown`, which waits for time to pass.
        for open_server in server.servers:
            open_server.close()
        listener.close()
        while server.server_state.connections or server.server_state.tasks:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0)


class Client:
    """One connection to a server."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def write(
        self,
        path: str = "/",
        *,
        method: str = "GET",
        headers: Iterable[tuple[str, str]] = (),
        body: Sequence[bytes] = (b"",),
    ) -> None:
        """Write a request; a body of several parts, or one of no stated length, is chunked."""
        fields = list(headers)
        names = {name.lower() for name, _ in fields}
        if "host" not in names:
            fields.insert(0, ("Host", "127.0.0.1"))
        chunked = len(body) > 1
        if chunked:
            fields.append(("Transfer-Encoding", "chunked"))
        elif body[0] and "content-length" not in names:
            fields.append(("Content-Length", str(len(body[0]))))
        head = f"{method} {path} HTTP/1.1\r\n" + "".join(f"{n}: {v}\r\n" for n, v in fields)
        self.writer.write(f"{head}\r\n".encode("latin-1"))
        if chunked:
            for part in body:
                self.writer.write(b"%x\r\n%b\r\n" % (len(part), part))
            self.writer.write(b"0\r\n\r\n")
        else:
            self.writer.write(body[0])

    async def head(self) -> Answer:
        """Read an answer's head; an empty answer is a connection that was closed."""
        answer = Answer()
        try:
            lines = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            return answer
        answer.status = int(lines[0].split(" ")[1])
        for line in lines[1:-2]:
            name, _, value = line.partition(":")
            answer.headers.append((name.lower(), value.strip()))
        return answer

    async def chunk(self) -> bytes:
        """Read one chunk of a chunked body; empty at its end."""
        size = int(await self.reader.readuntil(b"\r\n"), 16)
        data = await self.reader.readexactly(size)
        await self.reader.readexactly(2)
        return data

    async def read(self, method: str = "GET") -> Answer:
        """Read a whole answer, or what there is of it."""
        answer = await self.head()
        if not answer.status:
            return answer
        bodiless = method == "HEAD" or answer.status in {204, 304} or answer.status < 200
        try:
            if bodiless:
                answer.whole = True
            elif answer.all("content-length"):
                await self._read_length(answer)
            elif answer.all("transfer-encoding"):
                while data := await self.chunk():
                    answer.body += data
                answer.whole = True
            else:  # the connection's end is the body's
                answer.body = await self.reader.read()
                answer.whole = True
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        return answer

    async def _read_length(self, answer: Answer) -> None:
        wanted = int(answer.one("content-length"))
        while len(answer.body) < wanted:
            data = await self.reader.read(wanted - len(answer.body))
            if not data:
                return
            answer.body += data
        answer.whole = True

    async def upgrade(self, path: str, headers: Iterable[tuple[str, str]] = ()) -> Socket:
        """Ask for a WebSocket; return what came of the handshake."""
        self.write(
            path,
            headers=[
                *headers,
                ("Connection", "Upgrade"),
                ("Upgrade", "websocket"),
                ("Sec-WebSocket-Version", "13"),
                ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ],
        )
        seen = Socket()
        answer = await self.read()
        if answer.status == 101:
            seen.accepted, seen.headers = True, answer.headers
        else:
            seen.denial = answer
        return seen

    def write_frame(self, payload: bytes, opcode: int = 1) -> None:
        """Write one short frame, masked as a client's have to be."""
        mask = os.urandom(4)
        masked = bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))
        self.writer.write(bytes([0x80 | opcode, 0x80 | len(payload)]) + mask + masked)

    async def frame(self) -> tuple[int, bytes]:
        """Read one short frame: its opcode and payload; (0, b"") where there is none."""
        try:
            first, length = await self.reader.readexactly(2)
            return first & 15, await self.reader.readexactly(length & 127)
        except (asyncio.IncompleteReadError, ConnectionError):
            return 0, b""

    async def closing(self, seen: Socket) -> Socket:
        """Read up to the close frame, and note it."""
        while (frame := await self.frame())[0] not in {0, 8}:
            pass
        opcode, payload = frame
        if opcode == 8:
            seen.closed = int.from_bytes(payload[:2], "big"), payload[2:].decode()
        return seen


@asynccontextmanager
async def connected(port: int) -> AsyncGenerator[Client]:
    """Open a connection, and close it in the end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Client(reader, writer)
    finally:
        writer.close()
        try:
            await writer.wait_closed()
        except ConnectionError:
            pass


async def fetch(
    port: int,
    path: str = "/",
    *,
    method: str = "GET",
    headers: Iterable[tuple[str, str]] = (),
    body: Sequence[bytes] = (b"",),
) -> Answer:
    """Send one request on a connection of its own, and read the answer."""
    async with connected(port) as client:
        client.write(path, method=method, headers=headers, body=body)
        return await client.read(method)
