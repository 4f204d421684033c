"""A service that no framework makes: the standard library's server, and the contract by hand.

It breaks what only a connection shows.
"""

from __future__ import annotations

import contextlib
import secrets
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, cast

from kaiko_middleware import KaikoError, NotFoundError, render

if TYPE_CHECKING:
    import io
    from collections.abc import Generator

HTTP_ROWS = {"answer.given", "head.body", "id.pipelined"}


class Service(BaseHTTPRequestHandler):
    """Knows `/`, and breaks the clause in `broken`."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # an answer is one write, or each waits for an acknowledgement
    broken = ""

    def setup(self) -> None:
        super().setup()
        self.last = ""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
        """Say nothing."""

    def do_GET(self) -> None:
        if self.broken == "answer.given" and "%ff" in self.path and self.path.startswith("/?"):
            self.close_connection = True
            return
        self.last = self.last if self._reused() else f"req-{secrets.token_hex(5)}"
        if self.path.partition("?")[0] == "/":
            self._send(200, [("X-Request-ID", self.last), ("Content-Length", "2")], b"{}")
        else:
            self._fail(NotFoundError())

    do_HEAD = do_OPTIONS = do_TRACE = do_PROPFIND = do_GET  # noqa: N815 - names of the library

    def _reused(self) -> bool:
        """A parser that reads on gives what is there the id of the request before."""
        return self.broken == "id.pipelined" and bool(self.last) and self._more()

    def _more(self) -> bool:
        """All of a pipeline is in the buffer; a client that waits has sent nothing more."""
        self.connection.setblocking(False)
        try:
            return bool(cast("io.BufferedReader", self.rfile).peek(1))  # so the server makes it
        except BlockingIOError:
            return False
        finally:
            self.connection.setblocking(True)

    def _fail(self, error: KaikoError) -> None:
        reply = render(error, self.last)
        self._send(reply.status, list(reply.headers), reply.body)

    def _send(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD" or self.broken == "head.body":
            self.wfile.write(body)


@contextlib.contextmanager
def listening(handler: type[BaseHTTPRequestHandler]) -> Generator[str]:
    """Serve a handler on a free port of the loopback interface."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def serving(clause: str) -> contextlib.AbstractContextManager[str]:
    """Serve the service that breaks a clause."""
    return listening(type("Broken", (Service,), {"broken": clause}))
