"""A service with everything that the plugin looks for, as suites inside of these tests call it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from fastapi.responses import JSONResponse
from fastapi.testclient import TestClient

import kaiko_fastapi
from kaiko_middleware import ConflictError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    ASGIApp = Callable[[Any, Any, Any], Awaitable[None]]


class LampNotFound(NotFoundError, code="lamp_not_found", param="lamp_id"):
    """There is no such lamp."""


class LampIsOn(ConflictError, code="lamp_is_on"):
    """The lamp is on already."""


class LampIsWet(ConflictError, code="lamp_is_wet"):
    """The lamp stands in water."""


app = FastAPI(title="lamps")
kaiko_fastapi.install(app)


@app.get("/lamps/{lamp}", responses=kaiko_fastapi.responses(LampNotFound, LampIsOn))
def lamp(lamp: str) -> dict[str, str]:
    """Fail in the way that the path says."""
    if lamp == "declared":
        raise LampNotFound
    if lamp == "undeclared":
        raise LampIsWet
    if lamp == "ghost":
        raise NotFoundError("No such lamp", code="ghost_not_found")
    if lamp == "path":
        raise NotFoundError("There is no /srv/lamps/lamp_7.json")
    if lamp == "bug":
        raise ZeroDivisionError
    return {"lamp": lamp}


@app.post("/lamps/{lamp}")
def put_on(lamp: str, level: int) -> JSONResponse:
    """Take a number."""
    return JSONResponse({"lamp": lamp, "level": level})


class Gate:
    """A middleware outside of ours, which refuses what it should leave to the service."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer without an envelope."""
        if scope["path"] != "/gate":
            await self.app(scope, receive, send)
            return
        kind = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 403, "headers": kind})
        await send({"type": "http.response.body", "body": b'{"detail": "no"}'})


client = TestClient(Gate(app), raise_server_exceptions=False)
