"""ASGI applications that keep the contract, but for the way in which they send one answer."""

from __future__ import annotations

import asyncio
import itertools
from typing import TYPE_CHECKING, Any

from kaiko_middleware import NotFoundError, render

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Send = Callable[[dict[str, Any]], Awaitable[None]]

_NUMBERS = itertools.count()


async def start(send: Send, status: int, *headers: tuple[str, str]) -> None:
    named = [(name.lower().encode(), value.encode()) for name, value in headers]
    await send({"type": "http.response.start", "status": status, "headers": named})


async def body(send: Send, chunk: bytes, *, more: bool = False) -> None:
    await send({"type": "http.response.body", "body": chunk, "more_body": more})


def raw(spoil: Callable[[dict[str, Any], Send, str], Awaitable[bool]]) -> Any:
    """Return a service whose answers `spoil` may send itself, in which case it returns True."""

    async def app(scope: dict[str, Any], receive: Any, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError
        await receive()
        request_id = f"req-{next(_NUMBERS):010x}"
        if await spoil(scope, send, request_id):
            return
        if scope["path"] == "/":
            await start(send, 200, ("X-Request-ID", request_id), ("Content-Length", "2"))
            await body(send, b"{}")
            return
        reply = render(NotFoundError(), request_id)
        await start(send, reply.status, *reply.headers)
        await body(send, b"" if scope["method"] == "HEAD" else reply.body)

    return app


def odd(scope: dict[str, Any]) -> bool:
    return (b"accept", b"image/x-kaiko") in scope["headers"]


async def late(scope: dict[str, Any], _send: Send, _id: str) -> bool:
    if odd(scope):
        await asyncio.Event().wait()
    return False


async def cut(scope: dict[str, Any], send: Send, request_id: str) -> bool:
    if odd(scope):
        reply = render(NotFoundError(), request_id)
        await start(send, reply.status, *reply.headers)
        await body(send, reply.body[:20], more=True)
        raise RuntimeError
    return False


async def endless(scope: dict[str, Any], send: Send, request_id: str) -> bool:
    if odd(scope):
        await start(send, 404, *render(NotFoundError(), request_id).headers)
        while True:
            await body(send, b" " * 65_536, more=True)
    return False


async def cut_stream(scope: dict[str, Any], send: Send, request_id: str) -> bool:
    if scope["path"] == "/events":
        await start(send, 200, ("X-Request-ID", request_id), ("Content-Type", "text/event-stream"))
        await body(send, b"data: 1\n\n", more=True)
        raise RuntimeError
    return False


RAW = {
    "answer.in-time": raw(late),
    "answer.whole": raw(cut),
    "envelope.endless": raw(endless),
    "stream.cut": raw(cut_stream),
}
