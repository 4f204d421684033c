"""A service that keeps the contract, on every stack: it has items, and wants a key.

`GET /items` lists them, `POST /items` adds one, `/events` streams. `check.broken` spoils it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import litestar
from fastapi import Depends, FastAPI, Header
from fastapi.middleware.cors import CORSMiddleware
from flask import Flask, Response, request
from litestar.params import FromQuery  # noqa: TC002 - Litestar reads annotations at run time
from pydantic import BaseModel
from starlette.applications import Starlette
from starlette.requests import Request  # noqa: TC002 - FastAPI reads the module's names
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Route

import kaiko_asgi
import kaiko_fastapi
import kaiko_flask
import kaiko_litestar
import kaiko_starlette
import kaiko_wsgi
from kaiko_middleware import (
    AuthenticationError,
    NotFoundError,
    PayloadTooLargeError,
    parse_body,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable

KEY = "kaiko_test_KaikoCheckRight0001"
ORIGIN = "https://shop.example"
ITEMS = [{"name": "kettle"}, {"name": "teapot"}]
EVENTS = b"data: 1\n\ndata: 2\n\n"
MOST = 64 * 1024


class Item(BaseModel):
    name: str


def admit(key: str | None) -> None:
    """Want the one key there is."""
    if key != KEY:
        raise AuthenticationError


def added(body: bytes) -> dict[str, Any]:
    """Return the item in a body."""
    if len(body) > MOST:
        raise PayloadTooLargeError
    return parse_body(Item, body).model_dump()


# --- ASGI ----------------------------------------------------------------------------


def asgi() -> Any:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            raise RuntimeError
        status, kind, body = 200, b"application/json", json.dumps(ITEMS).encode()
        if scope["path"] == "/events":
            kind, body = b"text/event-stream", EVENTS
        elif scope["path"] != "/items":
            raise NotFoundError
        else:
            admit(dict(scope["headers"]).get(b"x-api-key", b"").decode("latin-1"))
        if scope["method"] == "POST":
            message = await receive()
            status, body = 201, json.dumps(added(message.get("body", b""))).encode()
        headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
        if kind == b"text/event-stream":
            headers.pop()
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return kaiko_asgi.KaikoMiddleware(app)


def starlette() -> Any:
    async def items(request: Request) -> JSONResponse:
        admit(request.headers.get("x-api-key"))
        if request.method == "POST":
            return JSONResponse(added(await request.body()), status_code=201)
        return JSONResponse(ITEMS)

    async def events(_request: Request) -> StreamingResponse:
        return StreamingResponse(_chunks(), media_type="text/event-stream")

    app = Starlette(
        routes=[
            Route("/items", items, methods=["GET", "POST"]),
            Route("/events", events),
        ]
    )
    app.add_middleware(CORSMiddleware, allow_origins=[ORIGIN], allow_headers=["*"])
    kaiko_starlette.install(app)
    return app


async def _chunks() -> AsyncIterator[bytes]:
    yield EVENTS


def fastapi() -> Any:
    async def key(x_api_key: str | None = Header(None)) -> None:
        admit(x_api_key)

    app = FastAPI()

    @app.get("/items", dependencies=[Depends(key)])
    async def items(limit: int = 10) -> list[Item]:
        return [Item(**item) for item in ITEMS][:limit]

    @app.post("/items", status_code=201, dependencies=[Depends(key)])
    async def create(item: Item) -> Item:
        return item

    @app.get("/events")
    async def events() -> StreamingResponse:
        return StreamingResponse(_chunks(), media_type="text/event-stream")

    app.add_middleware(CORSMiddleware, allow_origins=[ORIGIN], allow_headers=["*"])
    kaiko_fastapi.install(app)
    return app


def on_litestar() -> Any:
    def guard(connection: Any, _handler: Any) -> None:
        admit(connection.headers.get("x-api-key"))

    @litestar.get("/items", guards=[guard])
    async def items(limit: FromQuery[int] = 10) -> list[Item]:
        return [Item(**item) for item in ITEMS][:limit]

    @litestar.post("/items", guards=[guard])
    async def create(request: litestar.Request[Any, Any, Any]) -> dict[str, Any]:
        return added(await request.body())

    @litestar.get("/events", media_type="text/event-stream")
    async def events() -> bytes:
        return EVENTS

    return litestar.Litestar(
        [items, create, events],
        plugins=[kaiko_litestar.KaikoPlugin()],
        logging_config=None,
        request_max_body_size=MOST,
    )


# --- WSGI ----------------------------------------------------------------------------


def wsgi() -> Any:
    def app(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        status, kind, body = "200 OK", "application/json", json.dumps(ITEMS).encode()
        if environ["PATH_INFO"] == "/events":
            kind, body = "text/event-stream", EVENTS
        elif environ["PATH_INFO"] != "/items":
            raise NotFoundError
        else:
            admit(environ.get("HTTP_X_API_KEY"))
        if environ["REQUEST_METHOD"] == "POST":
            status = "201 Created"
            body = json.dumps(added(environ["wsgi.input"].read())).encode()
        start(status, [("Content-Type", kind), ("Content-Length", str(len(body)))])
        return [body]

    return kaiko_wsgi.KaikoMiddleware(app)


def flask() -> Any:
    app = Flask("right")
    kaiko_flask.install(app)

    @app.route("/items", methods=["GET", "POST"])
    def items() -> Any:
        admit(request.headers.get("x-api-key"))
        if request.method == "POST":
            return added(request.get_data()), 201
        return ITEMS

    @app.get("/events")
    def events() -> Response:
        return Response(iter([EVENTS]), mimetype="text/event-stream")

    return app
