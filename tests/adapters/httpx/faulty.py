"""A server on loopback that does to each connection what its test says.

It runs in threads, so that clients of every manner can call it. What it waits for is the
client: nothing here sleeps.
"""

from __future__ import annotations

import re
import socket
import ssl
import struct
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    Behaviour = Callable[["Connection"], object]

CERTIFICATE = Path(__file__).with_name("loopback.pem")
_PATIENCE = 20  # seconds until a test that hangs is ended
_LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Connection:
    """One connection, from the server's side."""

    def __init__(self, sock: socket.socket, requests: list[bytes]) -> None:
        self._sock = sock
        self._requests = requests
        self._left = b""
        self.was_closed = False
        """Whether the client closed it before the server gave up on it."""

    def request(self) -> bool:
        """Read one request; return False where none comes any more."""
        data = self._left
        while b"\r\n\r\n" not in data:
            more = self.receive()
            if not more:
                return False
            data += more
        head, _, rest = data.partition(b"\r\n\r\n")
        length = int(found[1]) if (found := _LENGTH.search(head)) else 0
        while len(rest) < length:
            rest += self.receive()
        self._left = rest[length:]
        self._requests.append(head.partition(b" HTTP")[0])
        return True

    def receive(self) -> bytes:
        """Read what has come; nothing is the end."""
        try:
            return self._sock.recv(65_536)
        except ConnectionError:
            return b""

    def send(self, data: bytes) -> None:
        """Send."""
        self._sock.sendall(data)

    def reset(self) -> None:
        """Close it rudely."""
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self._sock.close()
        self.was_closed = True

    def encrypt(self) -> None:
        """Go on with TLS."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTIFICATE)
        self._sock = context.wrap_socket(self._sock, server_side=True)

    def hang(self) -> None:
        """Say nothing more, until the client closes it."""
        while self.receive():
            pass
        self.was_closed = True

    def end(self) -> None:
        """Say that nothing more comes, and wait for the client to close it."""
        try:
            self._sock.shutdown(socket.SHUT_WR)
            self.hang()
        except OSError:  # closed already
            self.was_closed = True
        self._sock.close()


class Faulty:
    """The server; its last behaviour goes on for every further connection.

    Arguments:
        behaviours: what it does with each connection.
        listener: what it listens on.

    """

    def __init__(self, behaviours: tuple[Behaviour, ...], listener: socket.socket) -> None:
        self._behaviours = behaviours
        self._listener = listener
        self._threads: list[threading.Thread] = []
        self._acceptor = threading.Thread(target=self._accept, daemon=True)
        self.connections: list[Connection] = []
        self.requests: list[bytes] = []
        self.failures: list[BaseException] = []

    @property
    def port(self) -> int:
        """Where it listens."""
        port: int = self._listener.getsockname()[1]
        return port

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:  # no more
                return
            sock.settimeout(_PATIENCE)
            connection = Connection(sock, self.requests)
            number = min(len(self.connections), len(self._behaviours) - 1)
            self.connections.append(connection)
            handler = (connection, self._behaviours[number])
            thread = threading.Thread(target=self._handle, args=handler, daemon=True)
            self._threads.append(thread)
            thread.start()

    def _handle(self, connection: Connection, behaviour: Behaviour) -> None:
        try:
            behaviour(connection)
        except (OSError, ssl.SSLError):
            pass  # the client has gone: some tests want just that
        except BaseException as exc:  # noqa: BLE001 - the test is to see it
            self.failures.append(exc)
        finally:
            connection.end()

    def start(self) -> None:
        """Begin to accept."""
        self._acceptor.start()

    def stop(self) -> None:
        """Accept nothing more, and see that every client closed its connections."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._acceptor.join(_PATIENCE)
        for thread in self._threads:
            thread.join(_PATIENCE)
        assert self.failures == []
        assert all(connection.was_closed for connection in self.connections), "leaked"


@contextmanager
def serving(*behaviours: Behaviour, path: Path | None = None) -> Generator[Faulty]:
    """Serve on a free port of loopback, or at a path in the file system."""
    if path is None:
        listener = socket.create_server(("127.0.0.1", 0))
    else:
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(path))
        listener.listen()
    server = Faulty(behaviours, listener)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def free_port() -> int:
    """Return a port where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def answers(status: int = 200, body: bytes = b"{}") -> Behaviour:
    """Answer every request of a connection."""

    def behave(connection: Connection) -> None:
        while connection.request():
            head = b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n" % (status, len(body))
            connection.send(head + body)

    return behave


def says(data: bytes, *, then: Behaviour = Connection.end) -> Behaviour:
    """Read a request, send `data`, which may be no HTTP, and go on with `then`."""

    def behave(connection: Connection) -> None:
        if connection.request():
            connection.send(data)
            then(connection)

    return behave
