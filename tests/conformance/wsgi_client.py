"""A bare WSGI client: sends one request, sees what a server would have sent."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from conformance.driver import Result

if TYPE_CHECKING:
    from collections.abc import Callable
    from wsgiref.types import WSGIApplication, WSGIEnvironment

    from _typeshed import OptExcInfo

    from conformance.driver import Sent


class WsgiDriver:
    """Drives any WSGI application in process; checks that it keeps to PEP 3333."""

    def __init__(
        self, name: str, app: WSGIApplication, lacks: frozenset[str] = frozenset()
    ) -> None:
        self.name = name
        self.lacks = lacks
        self.app = app

    def send(self, sent: Sent) -> Result:
        """Send a request."""
        return call(self.app, sent)


class _Server:
    """What a server keeps of one response: it sends the head with the first bytes."""

    def __init__(self) -> None:
        self.head: tuple[int, tuple[tuple[str, str], ...]] | None = None
        self.sent = False
        self.body = b""

    def start_response(
        self, status: str, headers: list[tuple[str, str]], exc_info: OptExcInfo | None = None, /
    ) -> Callable[[bytes], object]:
        assert self.head is None or exc_info is not None, "a second head"
        if exc_info is not None and self.sent and exc_info[1] is not None:
            raise exc_info[1]
        assert status[3] == " "
        self.head = int(status[:3]), tuple(headers)
        return self.write

    def write(self, data: bytes) -> None:
        assert self.head is not None, "a body before the head"
        assert isinstance(data, bytes)
        self.sent = self.sent or bool(data)
        self.body += data


def call(app: WSGIApplication, sent: Sent) -> Result:
    """Send one request to `app` and return what a client saw."""
    environ: WSGIEnvironment = {
        "REQUEST_METHOD": sent.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": sent.path,
        "QUERY_STRING": "",
        "SERVER_NAME": "testserver",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "testserver",
        "CONTENT_LENGTH": str(len(sent.body)) if sent.parts and sent.says_length else "",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(sent.body),
        "wsgi.input_terminated": True,
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in sent.headers:
        key = name.upper().replace("-", "_")
        environ[key if key == "CONTENT_TYPE" else f"HTTP_{key}"] = value
    server = _Server()
    whole = False
    chunks = None
    try:
        chunks = app(environ, server.start_response)
        for chunk in chunks:
            server.write(chunk)
        whole = True
    except Exception:  # noqa: BLE001, S110 - a server logs it; the client sees what was sent
        pass
    finally:
        close = getattr(chunks, "close", None)
        if close is not None:
            close()
    status, headers = server.head or (500, ())
    length = {name.lower(): value for name, value in headers}.get("content-length")
    if length is not None:
        # A client sees by its length alone whether a body is whole.
        whole = sent.method == "HEAD" or status == 304 or len(server.body) == int(length)
    body = b"" if sent.method == "HEAD" else server.body
    return Result(status, headers, body, cut=not whole)
