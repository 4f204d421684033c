"""Bare ASGI: an application without a framework, under the middleware alone."""

from __future__ import annotations

import asyncio
from threading import get_ident
from typing import TYPE_CHECKING

from conformance.asgi_client import AsgiDriver
from conformance.guard_scenarios import GUARDS, Guarded
from conformance.scenarios import BY_NAME, Answers, Body, Parses, Raises, Streams
from kaiko_asgi import KaikoMiddleware
from kaiko_guards.asgi import GuardMiddleware
from kaiko_middleware import NotFoundError, parse_body

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conformance.scenarios import Scenario
    from kaiko_asgi import Receive, Scope, Send


async def _answer(send: Send, status: int, headers: Iterable[tuple[str, str]], body: bytes) -> None:
    fields = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers]
    if status not in {204, 304}:
        fields.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": fields})
    await send({"type": "http.response.body", "body": body})


async def _read(receive: Receive) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        body += message["body"]
        more = message["more_body"]
    return body


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Do what the path says."""
    path: str = scope["path"]
    if path == "/refuses":
        await _answer(send, 405, [("Allow", "GET, HEAD")], b"")
    elif path == "/here":
        await _answer(send, 200, [], str(get_ident()).encode())
    elif path == "/waits":
        await asyncio.sleep(60)
    elif (scenario := BY_NAME.get(path.removeprefix("/s/"))) is not None:
        await _do(scenario, receive, send)
    else:
        raise NotFoundError


async def _do(scenario: Scenario, receive: Receive, send: Send) -> None:
    act = scenario.act
    match act:
        case Raises():
            raise act.make()
        case Answers():
            kind = [("Content-Type", act.content_type)] if act.content_type else []
            await _answer(send, act.status, [*kind, *act.headers], act.body)
        case Streams():
            head = [(b"content-type", act.content_type.encode())]
            await send({"type": "http.response.start", "status": 200, "headers": head})
            for chunk in act.chunks:
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            if act.make is not None:
                raise act.make()
            await send({"type": "http.response.body"})
        case Parses():
            parse_body(Body, await _read(receive))
            await _answer(send, 200, [("Content-Type", "application/json")], b"{}")
        case _:
            raise NotFoundError


DRIVERS = (AsgiDriver("asgi", KaikoMiddleware(application)),)
GUARDED = (
    Guarded(AsgiDriver("asgi", KaikoMiddleware(GuardMiddleware(application, GUARDS)))),
    Guarded(AsgiDriver("asgi-alone", GuardMiddleware(application, GUARDS)), enveloped=False),
)
