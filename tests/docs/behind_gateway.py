"""The service behind the gateways of docs/gateway.md: it fails in ways that they could spoil."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route, WebSocketRoute

from kaiko_middleware import Config, NotFoundError, ServiceUnavailableError, current_request_id
from kaiko_starlette import install

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request
    from starlette.websockets import WebSocket


async def _ok(_request: Request) -> PlainTextResponse:
    return PlainTextResponse(str(current_request_id()))


async def _typed(_request: Request) -> None:
    raise NotFoundError("There is no such page")


async def _bug(_request: Request) -> None:
    raise LookupError("secret")


async def _down(_request: Request) -> None:
    raise ServiceUnavailableError(retry_after=7)


async def _hangs(_request: Request) -> None:
    await asyncio.Event().wait()


async def _failing() -> AsyncIterator[bytes]:
    yield b"data: 1\n\n"
    raise LookupError("secret")


async def _events(_request: Request) -> StreamingResponse:
    return StreamingResponse(_failing(), media_type="text/event-stream")


async def _text(_request: Request) -> StreamingResponse:
    return StreamingResponse(_failing(), media_type="text/plain")


async def _first(_request: Request) -> StreamingResponse:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"data: 1\n\n"
        await asyncio.Event().wait()

    return StreamingResponse(chunks(), media_type="text/event-stream")


async def _denied(_websocket: WebSocket) -> None:
    raise NotFoundError("There is no such room")


app = Starlette(
    routes=[
        Route("/s/ok", _ok, methods=["GET", "POST"]),
        Route("/typed", _typed),
        Route("/bug", _bug),
        Route("/down", _down),
        Route("/hangs", _hangs),
        Route("/events", _events),
        Route("/text", _text),
        Route("/first", _first),
        WebSocketRoute("/room", _denied),
    ]
)
install(app, Config(trust_request_id=True))
