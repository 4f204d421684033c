"""Load on a server: connections that are kept alive, each always with a request under way.

All answers to one path have the same length, so that counting bytes is counting answers;
this keeps the client's own cost far below any server's.
"""

from __future__ import annotations

import selectors
import socket
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self


class Load:
    """Some connections to a server on loopback, for one path.

    Arguments:
        port: the server's.
        process: the server's process id.
        path: what is asked for.
        status: what every answer must say.
        connections: how many requests are under way at a time.

    """

    def __init__(
        self, port: int, process: int, path: str, *, status: int = 200, connections: int = 16
    ) -> None:
        self._process = process
        self._request = (
            f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nuser-agent: bench\r\n"
            "accept: */*\r\nx-api-key: kaiko_test_0123456789abcdef\r\n\r\n"
        ).encode("ascii")
        self._prefix = f"HTTP/1.1 {status} ".encode("ascii")
        self._selector = selectors.DefaultSelector()
        self._connections: list[socket.socket] = []
        for _ in range(connections):
            connection = socket.create_connection(("127.0.0.1", port), timeout=30)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._length = self._first(connection)
            self._selector.register(connection, selectors.EVENT_READ)
            self._connections.append(connection)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._selector.close()
        for connection in self._connections:
            connection.close()

    def run(self, seconds: float) -> float:
        """Ask for some time; return answers a second of the server's processor time.

        The server is busy all the time, so that on a machine of its own this is its
        throughput; where the machine has other work, it still is. Where the system does not
        tell, the clock on the wall has to do.
        """
        pending = dict.fromkeys(self._connections, self._length)
        answers = 0
        request, length = self._request, self._length
        start = perf_counter()
        used = _processor_time(self._process)
        for connection in self._connections:
            connection.send(request)
        while pending:
            going_on = perf_counter() - start < seconds
            for connection in self._ready():
                data = connection.recv(65536)
                missing = pending[connection]
                if not data or (missing == length and not data.startswith(self._prefix)):
                    msg = f"unexpected answer: {data[:80]!r}"
                    raise RuntimeError(msg)
                missing -= len(data)
                if missing > 0:
                    pending[connection] = missing
                    continue
                if missing < 0:
                    msg = "the answers differ in length"
                    raise RuntimeError(msg)
                answers += 1
                if going_on:
                    pending[connection] = length
                    connection.send(request)
                else:
                    del pending[connection]
        spent = _processor_time(self._process) - used
        return answers / (spent or perf_counter() - start)

    def _ready(self) -> list[socket.socket]:
        """Return the connections that have something to read."""
        found = (key.fileobj for key, _ in self._selector.select())
        return [connection for connection in found if isinstance(connection, socket.socket)]

    def _first(self, connection: socket.socket) -> int:
        """Ask once; return how long an answer is."""
        connection.send(self._request)
        data = b""
        while b"\r\n\r\n" not in data:
            data += connection.recv(65536)
        head, _, body = data.partition(b"\r\n\r\n")
        if not head.startswith(self._prefix):
            msg = f"unexpected answer: {head!r}"
            raise RuntimeError(msg)
        lines = [line.partition(b":") for line in head.lower().split(b"\r\n")]
        fields = {name: value for name, _, value in lines}
        if b"content-length" in fields:
            missing = int(fields[b"content-length"]) - len(body)
            while missing > 0:
                missing -= len(connection.recv(65536))
            return len(head) + 4 + int(fields[b"content-length"])
        while not body.endswith(b"0\r\n\r\n"):  # the last chunk of a body without a length
            body += connection.recv(65536)
        return len(head) + 4 + len(body)


def _processor_time(process: int) -> float:
    """Return the seconds that a process ran, as Linux tells them to the nanosecond; else 0."""
    try:
        tasks = list(Path(f"/proc/{process}/task").iterdir())
        ran = [int((task / "schedstat").read_text().split()[0]) for task in tasks]
    except OSError:
        return 0.0
    return sum(ran) / 1e9
