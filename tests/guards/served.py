"""What the servers of test_lengths serve: a body's length, and which lengths were ever read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kaiko_guards import BodyLimit
from kaiko_guards.asgi import GuardMiddleware
from kaiko_guards.wsgi import GuardMiddleware as WSGIGuardMiddleware

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIEnvironment

    from kaiko_asgi import Receive, Scope, Send

LIMIT = 10
_read: list[str] = []


async def _asgi(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] != "http":
        return
    told = ",".join(_read)
    if scope["method"] == "POST":
        size, more = 0, True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                _read.append("left")
                return
            size += len(message.get("body", b""))
            more = message.get("more_body", False)
        _read.append(str(size))
        told = str(size)
    body = told.encode()
    head: Any = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": head})
    await send({"type": "http.response.body", "body": body})


def _wsgi(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    told = ",".join(_read)
    if environ["REQUEST_METHOD"] == "POST":
        size = len(environ["wsgi.input"].read())
        _read.append(str(size))
        told = str(size)
    start_response("200 OK", [("Content-Length", str(len(told)))])
    return [told.encode()]


application = GuardMiddleware(_asgi, [BodyLimit(LIMIT)])
wsgi_application = WSGIGuardMiddleware(_wsgi, [BodyLimit(LIMIT)])
