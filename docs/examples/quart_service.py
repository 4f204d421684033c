"""A service on Quart: the middleware for ASGI, and one handler for typed errors."""

from __future__ import annotations

from pydantic import BaseModel
from quart import Quart, Response, has_websocket_context, request
from werkzeug.datastructures import Headers

from kaiko_asgi import KaikoMiddleware
from kaiko_middleware import (
    Config,
    KaikoError,
    NotFoundError,
    current_request_id,
    parse_body,
    render,
)


class ContextNotFound(NotFoundError, code="context_not_found", param="context_id"):
    """The context does not exist, or it has expired."""


class NewContext(BaseModel):
    title: str


app = Quart(__name__)
app.config["PROPAGATE_EXCEPTIONS"] = True
# ASGI's types are Hypercorn's there: narrower.
app.asgi_app = KaikoMiddleware(app.asgi_app, Config(paths=("/v2",)))  # type: ignore[arg-type,assignment,method-assign]  # ty: ignore[invalid-argument-type,invalid-assignment]


@app.errorhandler(KaikoError)
async def answer(error: KaikoError) -> Response:
    if has_websocket_context():
        raise error  # the middleware refuses or closes the socket
    reply = render(error, current_request_id() or "-")
    return Response(reply.body, reply.status, Headers(list(reply.headers)))


@app.post("/v2/contexts")
async def create() -> tuple[dict[str, str], int]:
    new = parse_body(NewContext, await request.get_data())
    return new.model_dump(), 201


@app.get("/v2/contexts/<name>")
async def read(name: str) -> dict[str, str]:
    raise ContextNotFound(f"Context '{name}' has expired")


@app.get("/v2/average")
async def average() -> dict[str, float]:
    return {"average": 0 / 0}  # a bug: there is nothing to average
