"""An application that fails in each way that its tools see."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from litestar import Litestar, WebSocket, get, websocket
from litestar.exceptions import HTTPException, InternalServerException
from litestar.params import FromQuery
from litestar.response import Stream

from kaiko_litestar import KaikoPlugin
from kaiko_middleware import Config, NotFoundError, ServiceUnavailableError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PATHS = [
    "/bug",
    "/group",
    "/typed",
    "/down",
    "/timeout",
    "/http",
    "/http-500",
    "/number?n=x",
    "/nowhere",
    "/events",
    "/ws",
    "/ws/typed",
]


@get("/bug")
async def bug() -> int:
    """Fail."""
    return 0 // 0


@get("/group")
async def group() -> None:
    """Fail in several ways."""
    raise ExceptionGroup("g", [NotFoundError(), LookupError()])


@get("/typed")
async def typed() -> None:
    """Refuse."""
    raise NotFoundError


@get("/down")
async def down() -> None:
    """Be down."""
    raise ServiceUnavailableError


@get("/timeout")
async def timeout() -> None:
    """Be late."""
    raise TimeoutError


@get("/http")
async def http() -> None:
    """Refuse by Litestar's exception."""
    raise HTTPException(status_code=409)


@get("/http-500")
async def http_500() -> None:
    """Fail by Litestar's exception."""
    raise InternalServerException


@get("/number")
async def number(n: FromQuery[int]) -> int:
    """Take a number."""
    return n


@get("/events")
async def events() -> Stream:
    """Fail half-way."""

    async def sent() -> AsyncIterator[bytes]:
        yield b"data: 1\n\n"
        raise LookupError

    return Stream(sent(), media_type="text/event-stream")


@websocket("/ws")
async def socket_bug(socket: WebSocket[Any, Any, Any]) -> None:
    """Fail."""
    await socket.accept()
    raise LookupError


@websocket("/ws/typed")
async def socket_typed(socket: WebSocket[Any, Any, Any]) -> None:
    """Refuse."""
    await socket.accept()
    raise NotFoundError


HANDLERS = [
    bug, group, typed, down, timeout, http, http_500, number, events, socket_bug, socket_typed,
]  # fmt: skip


def make(config: Config | None, **settings: Any) -> Any:
    """Return the application; without the toolkit if there is no configuration."""
    settings.setdefault("logging_config", None)
    plugins = [*settings.pop("plugins", []), *([KaikoPlugin(config)] if config else [])]
    return Litestar(HANDLERS, plugins=plugins, **settings)
