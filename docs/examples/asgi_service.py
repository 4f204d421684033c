"""A service without a framework: a coroutine in the middleware."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel

from kaiko_asgi import KaikoMiddleware
from kaiko_middleware import Config, NotFoundError, parse_body

if TYPE_CHECKING:
    from kaiko_asgi import Receive, Scope, Send


class ContextNotFound(NotFoundError, code="context_not_found", param="context_id"):
    """The context does not exist, or it has expired."""


class NewContext(BaseModel):
    title: str


async def service(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] != "http":
        raise RuntimeError("this service speaks HTTP only")
    match scope["method"], scope["path"].split("/"):
        case "POST", ["", "v2", "contexts"]:
            new = parse_body(NewContext, await read(receive))
            await answer(send, 201, new.model_dump_json().encode())
        case "GET", ["", "v2", "contexts", name]:
            raise ContextNotFound(f"Context '{name}' has expired")
        case "GET", ["", "v2", "average"]:
            await answer(send, 200, b"%d" % (0 / 0))  # a bug: there is nothing to average
        case _:
            await answer(send, 404, b"nothing here", b"text/plain")


async def read(receive: Receive) -> bytes:
    body = b""
    more = True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


async def answer(send: Send, status: int, body: bytes, kind: bytes = b"application/json") -> None:
    headers = [(b"content-type", kind), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


app = KaikoMiddleware(service, Config(paths=("/v2",)))
