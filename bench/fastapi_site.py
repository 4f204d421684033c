"""A small FastAPI service: bare, with the toolkit installed, and with its answers by hand."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from fastapi import FastAPI, HTTPException
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from bench import fastapi_by_hand
from bench.answers import MISSING, ContextNotFound, by_hand, check, check_envelope, fail
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


async def typed_by_hand() -> None:
    """Fail as a service does that has its own handlers."""
    raise fastapi_by_hand.ContextNotFound(MISSING)


async def http_exception() -> None:
    """Fail as a service of FastAPI's does."""
    raise HTTPException(404, MISSING)


async def written_404() -> JSONResponse:
    """Answer the typed error by hand."""
    body, headers = by_hand(404)
    return JSONResponse(body, status_code=404, headers=headers)


async def foreign() -> JSONResponse:
    """Return an error of another shape."""
    return JSONResponse({"detail": "No such context"}, status_code=404)


async def bug() -> dict[str, str]:
    """Fail as nobody planned."""
    return fail()


async def validated(chat: Chat) -> None:
    """Never get there: what is sent is refused."""
    del chat


_ENDPOINTS = (success, typed, typed_by_hand, http_exception, written_404, foreign, bug)

_ENVELOPES = {
    "typed": ("not_found_error", "context_not_found", "context_id"),
    "typed_by_hand": ("not_found_error", "context_not_found", "context_id"),
    "validated": ("invalid_request_error", "invalid_role", "messages[1].role"),
    "nowhere": ("not_found_error", "not_found", None),
    "bug": ("server_error", "internal", None),
}
"""What the toolkit and the handlers by hand answer alike: type, code and param."""


def bare() -> FastAPI:
    """Return the service without the toolkit."""
    app = FastAPI()
    for endpoint in _ENDPOINTS:
        app.add_api_route(f"/v2/{endpoint.__name__}", endpoint)
    app.add_api_route("/v2/validated", validated, methods=["POST"])
    return app


def ours(config: Config | None = None) -> FastAPI:
    """Return the service with the toolkit installed."""
    app = bare()
    install(app, config)
    return app


def handled_by_hand() -> FastAPI:
    """Return the service with handlers of its own."""
    app = bare()
    fastapi_by_hand.install(app)
    return app


async def _receive() -> Event:
    return {"type": "http.request", "body": _BAD, "more_body": False}


def served(app: FastAPI, name: str, status: int, *, enveloped: bool = False) -> Run:
    """Return the service under a server, whose requests have a body that is refused.

    Arguments:
        app: the service.
        name: the endpoint that is asked.
        status: what it has to answer, which is checked once.
        enveloped: whether it has to answer the contract's envelope, which is checked, too.

    """
    template = scope_for(f"/v2/{name}")
    if name == "validated":
        template["method"] = "POST"
    sent: list[Event] = []

    async def keep(message: Event) -> None:
        sent.append(message)

    def serve(send: Send, times: int) -> None:
        for _ in range(times):
            call = app({**template, "state": {}}, _receive, send)
            try:
                call.__await__().send(None)
            except (StopIteration, KeyError):  # `fail` raises it: it is handed on
                continue
            msg = "the application waits for something"
            raise RuntimeError(msg)

    serve(keep, 1)
    check(name, sent[0]["status"], status)
    if enveloped:
        check_envelope(name, sent[0]["headers"], sent[1]["body"], _ENVELOPES[name])
    return partial(serve, drop)
