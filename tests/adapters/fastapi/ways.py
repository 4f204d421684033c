"""A way by which an error answer leaves a FastAPI service, and what must become of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.util import find_spec
from inspect import signature
from typing import TYPE_CHECKING

import pytest
from fastapi import FastAPI

from adapters.asgi.server import Answer, Socket, ask, connect
from adapters.starlette.row import Alone, Ask, Becomes, Closed, Connect, Envelope
from kaiko_fastapi import KaikoMiddleware, install
from kaiko_middleware.catalog import STATUSES
from kaiko_middleware.conformance import check_answer, check_event_stream

if TYPE_CHECKING:
    from kaiko_asgi import ASGIApp

Adopt = Callable[[FastAPI], "ASGIApp"]


def _tells_null_from_nothing() -> bool:
    app = FastAPI()

    async def view(items: list[int]) -> None:
        del items

    app.add_api_route("/x", view, methods=["POST"])
    headers = (("content-type", "application/json"), ("content-length", "4"))
    return b"list_type" in ask(app, "/x", method="POST", headers=headers, body=[b"null"]).body


# What came to FastAPI after the oldest release that is claimed.
_PARAMETERS = signature(FastAPI).parameters
FEATURES = {
    "body limits": "max_body_size" in _PARAMETERS,
    "event streams": find_spec("fastapi.sse") is not None,
    "form limits": "form_limits" in _PARAMETERS,
    "frontends": hasattr(FastAPI, "frontend"),
    "telemetry": "telemetry" in _PARAMETERS,
    "NaN as null": "telemetry" in _PARAMETERS,  # not to be asked for; it came before
    "null bodies": _tells_null_from_nothing(),
}


@dataclass(frozen=True)
class Ended:
    """The stream keeps what was sent, and its last event or line is the envelope."""

    code: str
    before: bytes = b""


@dataclass(frozen=True)
class Way:
    """One way, how it is gone, and what must become of it where the adapter is installed."""

    name: str
    app: Callable[[], FastAPI]
    ask: Ask | Connect
    becomes: Becomes | Ended
    rough: Becomes | None = field(default=None, kw_only=True)
    """What becomes of it under the middleware alone, where that is less precise."""
    needs: str | None = field(default=None, kw_only=True)
    """The feature of newer FastAPI that it takes."""


def installed(app: FastAPI) -> ASGIApp:
    """`install(app)`."""
    install(app)
    return app


def added(app: FastAPI) -> ASGIApp:
    """`app.add_middleware(KaikoMiddleware)`, after all other middleware."""
    app.add_middleware(KaikoMiddleware)
    return app


def wrapped(app: FastAPI) -> ASGIApp:
    """`KaikoMiddleware(app)`, around the whole application."""
    return KaikoMiddleware(app)


STACKS: tuple[Adopt, ...] = (installed, added, wrapped)


def send(app: ASGIApp, what: Ask | Connect) -> Answer | Socket:
    """Send a way's request."""
    if isinstance(what, Connect):
        return connect(app, what.path, headers=what.headers, incoming=what.incoming)
    return ask(
        app,
        what.path,
        method=what.method,
        headers=what.headers,
        body=what.body,
        leaves=what.leaves,
    )


def check(way: Way, becomes: Becomes | Ended, seen: Answer | Socket) -> None:
    """Check what a client saw."""
    if isinstance(becomes, Closed):
        assert isinstance(seen, Socket)
        assert seen.closed is not None
        code, reason = seen.closed
        assert (code, reason.split()[0]) == (becomes.status, becomes.code)
        return
    answer = seen.denial if isinstance(seen, Socket) else seen
    assert answer is not None
    match becomes:
        case Envelope():
            _check_envelope(way, becomes, answer)
        case Ended():
            assert (answer.status, answer.whole) == (200, True)
            assert answer.body.startswith(becomes.before)
            last = answer.body.removeprefix(becomes.before)
            if b"event: error" in last:
                assert check_event_stream(answer.body, request_id=answer.id) == []
            else:
                assert json.loads(last)["error"]["request_id"] == answer.id
            assert f'"code":"{becomes.code}"'.encode() in last
        case Alone():
            bare = send(way.app(), way.ask)
            assert isinstance(bare, Answer)
            assert answer.without_id() == bare.without_id()
            assert answer.status == becomes.status
            assert repr(answer.raised) == repr(bare.raised)
            assert answer.id
        case _:
            pytest.fail(f"{way.name}: {becomes} is none of FastAPI's")


def _check_envelope(way: Way, becomes: Envelope, answer: Answer) -> None:
    method = way.ask.method if isinstance(way.ask, Ask) else "GET"
    assert check_answer(answer.status, answer.headers, answer.body, method=method) == []
    assert (answer.status, answer.whole) == (becomes.status, True)
    for name, value in becomes.headers:
        assert answer.one(name) == value
    if method == "HEAD":
        return
    error = json.loads(answer.body)["error"]
    wanted = STATUSES[becomes.status].type, becomes.code, answer.id
    assert (error["type"], error["code"], error["request_id"]) == wanted
