"""One service twice, as WSGI and as ASGI, for the bridges between the two."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from kaiko_middleware import ConflictError, current_request_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from wsgiref.types import StartResponse, WSGIEnvironment

    from kaiko_asgi import Receive, Scope, Send

seen: list[str | None] = []
"""The ids that the service saw."""
arrived = threading.Event()
"""Set by a test when a client has the first chunk."""

_HEADS = {
    "/ok": (200, "text/plain", b"ok"),
    "/returned": (409, "text/plain", b"Taken"),
    "/events": (200, "text/event-stream", None),
    "/text": (200, "text/plain", None),
    "/slow": (200, "text/plain", None),
}


def _begin(path: str) -> tuple[int, str, bytes | None]:
    seen.append(current_request_id())
    if path == "/typed":
        raise ConflictError("Taken")
    if path == "/bug":
        raise ValueError("secret")
    return _HEADS[path]


def _chunks(path: str) -> Iterator[bytes]:
    yield b"data: 1\n\n"
    if path == "/slow":
        yield b"in time" if arrived.wait(10) else b"too late"
        return
    seen.append(current_request_id())
    raise ValueError("secret")


def wsgi_service(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Do what the path says."""
    path: str = environ["PATH_INFO"]
    status, kind, body = _begin(path)
    length = [] if body is None else [("Content-Length", str(len(body)))]
    start_response(f"{status} Said", [("Content-Type", kind), *length])
    return _chunks(path) if body is None else [body]


async def asgi_service(scope: Scope, _receive: Receive, send: Send) -> None:
    """Do the same."""
    status, kind, body = _begin(scope["path"])
    headers = [(b"content-type", kind.encode())]
    if body is not None:
        headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    if body is None:
        for chunk in _chunks(scope["path"]):
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body", "body": body or b""})
