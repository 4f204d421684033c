"""Applications that can be told to die, with the worker that serves them."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import TYPE_CHECKING

from kaiko_asgi import KaikoMiddleware

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIEnvironment

    from kaiko_asgi import Receive, Scope, Send

_SERVED = [("X-Request-ID", "req-0000000001"), ("Content-Length", "0")]


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer, or die at `/dies`."""
    if scope["type"] == "lifespan":
        while True:
            kind: str = (await receive())["type"]
            await send({"type": f"{kind}.complete"})
            if kind == "lifespan.shutdown":
                return
    if scope["path"] == "/dies":
        os._exit(1)
    if scope["path"] == "/exits":
        raise SystemExit(3)
    if scope["path"] == "/exits_in_thread":
        await asyncio.to_thread(sys.exit, 3)
    headers = [(name.lower().encode(), value.encode()) for name, value in _SERVED]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body"})


contracted = KaikoMiddleware(application)


def wsgi_application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Do the same under WSGI."""
    if environ["PATH_INFO"] == "/dies":
        os._exit(1)
    start_response("200 OK", _SERVED)
    return [b""]
