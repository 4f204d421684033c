"""A small FastAPI service, bare or with the toolkit installed, and its answers by hand."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from fastapi import FastAPI, HTTPException
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from bench.answers import MISSING, ContextNotFound, by_hand, check
from bench.asgi import drop, scope_for
from kaiko_fastapi import install

if TYPE_CHECKING:
    from bench.measure import Run
    from kaiko_asgi import Message as Event
    from kaiko_asgi import Send
    from kaiko_middleware import Config

_BAD = b'{"messages":[{"role":"user","text":"hi"},{"role":7,"text":"hi"}],"model":null}'


class Message(BaseModel):
    """One message."""

    role: str
    text: str


class Chat(BaseModel):
    """A body."""

    messages: list[Message]
    model: str


async def success() -> dict[str, str]:
    """Answer a success, which FastAPI validates and writes."""
    return {"status": "ok"}


async def typed() -> None:
    """Fail as a service of ours does."""
    raise ContextNotFound(MISSING)


async def http_exception() -> None:
    """Fail as a service of FastAPI's does."""
    raise HTTPException(404, MISSING)


async def written_404() -> JSONResponse:
    """Answer the typed error by hand."""
    body, headers = by_hand(404)
    return JSONResponse(body, status_code=404, headers=headers)


async def validated(chat: Chat) -> None:
    """Never get there: what is sent is refused."""
    del chat


def service(config: Config | None = None) -> FastAPI:
    """Return the service; with the toolkit installed where there is a configuration."""
    app = FastAPI()
    for endpoint in (success, typed, http_exception, written_404):
        app.add_api_route(f"/v2/{endpoint.__name__}", endpoint)
    app.add_api_route("/v2/validated", validated, methods=["POST"])
    if config is not None:
        install(app, config)
    return app


async def _receive() -> Event:
    return {"type": "http.request", "body": _BAD, "more_body": False}


def served(name: str, config: Config | None, status: int) -> Run:
    """Return the service under a server, whose requests have a body that is refused.

    Arguments:
        name: the endpoint that is asked.
        config: None: without the toolkit.
        status: what it has to answer, which is checked once.

    """
    app = service(config)
    template = scope_for(f"/v2/{name}")
    if name == "validated":
        template["method"] = "POST"
    heads: list[Event] = []

    async def keep(message: Event) -> None:
        heads.append(message)

    def serve(send: Send, times: int) -> None:
        for _ in range(times):
            call = app({**template, "state": {}}, _receive, send)
            try:
                call.__await__().send(None)
            except StopIteration:
                continue
            msg = "the application waits for something"
            raise RuntimeError(msg)

    serve(keep, 1)
    check(name, heads[0]["status"], status)
    return partial(serve, drop)
