"""An application without a framework, for real servers.

`python -m adapters.wsgi.served_app wsgiref|waitress FD` serves it on a socket that listens;
gunicorn and granian load `app`.
"""

from __future__ import annotations

import importlib
import socket
import sys
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from kaiko_middleware import NotFoundError
from kaiko_wsgi import KaikoMiddleware

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from wsgiref.types import StartResponse, WSGIEnvironment

_LENGTH = [("Content-Type", "text/plain"), ("Content-Length", "2")]
_STREAMED = {
    "/events": ("text/event-stream", b"data: 1\n\n", b"data: 2"),
    "/lines": ("application/x-ndjson", b"{}\n"),
    "/text": ("text/plain", b"chunk"),
    "/first": ("text/plain",),
}


def service(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Succeed, or fail in the way that the path names."""
    path: str = environ["PATH_INFO"]
    if path == "/typed":
        raise NotFoundError("typed")
    if path == "/bug":
        raise ValueError("secret")
    if path in _STREAMED:
        kind, *chunks = _STREAMED[path]
        start_response("200 OK", [("Content-Type", str(kind))])
        return _failing(chunk for chunk in chunks if isinstance(chunk, bytes))
    if path == "/made":
        start_response("201 Created", [("Content-Type", "text/csv"), ("X-Own", "1")])
        return (row for row in (b"a\n", b"b\n"))
    status = "409 Conflict" if path == "/refused" else "200 OK"
    start_response(status, _LENGTH)
    return [b"ok"]


def _failing(chunks: Iterable[bytes]) -> Iterator[bytes]:
    yield from chunks
    raise ValueError("secret")


app = KaikoMiddleware(service)


def main(server: str, fd: int) -> None:
    """Serve until the process is ended."""
    listener = socket.socket(fileno=fd)
    if server == "waitress":
        # Waitress has no types.
        made: Any = importlib.import_module("waitress.server").create_server(
            app, sockets=[listener]
        )
        made.run()
        return
    served = WSGIServer(listener.getsockname(), WSGIRequestHandler, bind_and_activate=False)
    served.socket.close()
    served.socket = listener
    served.server_name, served.server_port = listener.getsockname()
    served.setup_environ()
    served.set_app(app)
    served.serve_forever()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
