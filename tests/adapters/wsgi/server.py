"""A strict WSGI server in process: what PEP 3333 forbids is refused, as real ones may.

It plays a server's part for one request and keeps what a client would have seen. Heads go
out with the first bytes, so that `start_response` may be called again until then.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from adapters.asgi.server import Answer, RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from wsgiref.types import WSGIApplication, WSGIEnvironment

    from _typeshed import OptExcInfo

_HOP_BY_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "upgrade", "te"})


class Server:
    """The server's side of one request."""

    def __init__(self) -> None:
        self.answer = Answer()
        self.started = 0
        self.closed = 0
        self.chunks: list[bytes] = []
        self._asked = False
        self._sent = False

    def start_response(
        self, status: str, headers: list[tuple[str, str]], exc_info: OptExcInfo | None = None, /
    ) -> Callable[[bytes], object]:
        """Be `start_response`."""
        asked, self._asked = self._asked, True
        if exc_info is not None and not asked:
            raise RefusedError("an exc_info with the first head, at which uWSGI fails")
        if exc_info is not None and self._sent and exc_info[1] is not None:
            raise exc_info[1]
        if self.started and exc_info is None:
            raise RefusedError("a second head")
        code, _, reason = status.partition(" ")
        if len(code) != 3 or not code.isdecimal() or not reason or not 100 <= int(code) <= 599:
            raise RefusedError(f"status {status!r}")
        for name, value in headers:
            if name.lower() in _HOP_BY_HOP or "\n" in value or "\r" in value or "\0" in value:
                raise RefusedError(f"header {name}: {value!r}")
        self.started += 1
        self.answer.status, self.answer.headers = int(code), list(headers)
        return self.write

    def write(self, data: bytes) -> None:
        """Send a part of the body."""
        if not isinstance(data, bytes):
            raise RefusedError(f"a body of {type(data).__name__}")
        if not data:
            return
        if not self.started:
            raise RefusedError("a body before the head")
        self._sent = True
        self.chunks.append(data)
        self.answer.body += data

    def _end(self) -> None:
        if not self.started:
            raise RefusedError("no head")

    def serve(self, app: WSGIApplication, environ: WSGIEnvironment) -> Answer:
        """Serve one request; what the application raises is kept in the answer."""
        answer = self.answer
        body: Iterable[bytes] | None = None
        whole = False
        try:
            body = app(environ, self.start_response)
            for chunk in body:
                self.write(chunk)
            self._end()
            whole = True
        except BaseException as exc:  # noqa: BLE001 - a server survives all of these
            answer.raised = exc
        finally:
            close = getattr(body, "close", None)
            if close is not None:
                close()
                self.closed += 1
        if environ["REQUEST_METHOD"] == "HEAD":
            answer.body = b""
        lengths = answer.all("content-length")
        if lengths and answer.status != 304 and environ["REQUEST_METHOD"] != "HEAD":
            whole = len(answer.body) == int(lengths[0])
        answer.whole = whole or (bool(lengths) and environ["REQUEST_METHOD"] == "HEAD")
        return answer


def make_environ(
    path: str = "/",
    *,
    method: str = "GET",
    headers: Iterable[tuple[str, str]] = (),
    body: bytes = b"",
    **others: Any,
) -> WSGIEnvironment:
    """Return the environ of a request, as servers make it."""
    path, _, query = path.partition("?")
    environ: WSGIEnvironment = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": path.encode().decode("latin-1"),
        "QUERY_STRING": query.encode("utf-8", "surrogateescape").decode("latin-1"),
        "SERVER_NAME": "testserver",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "testserver",
        "CONTENT_LENGTH": str(len(body)) if body else "",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        **others,
    }
    for name, value in headers:
        key = name.upper().replace("-", "_")
        environ[key if key in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{key}"] = value
    return environ


def ask_wsgi(app: WSGIApplication, path: str = "/", **request: Any) -> Answer:
    """Serve one request."""
    return Server().serve(app, make_environ(path, **request))
