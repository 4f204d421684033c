"""Quart, as docs/quickstart/quart.md sets it up; the shared scenarios have a driver for it."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING, cast

import pytest
from quart import Quart, abort, got_request_exception, websocket
from starlette.testclient import TestClient

from adapters.asgi.apps import said
from adapters.asgi.server import Socket, socket_scope
from conformance.drivers.quart_stack import answer
from kaiko_asgi import KaikoMiddleware
from kaiko_middleware import ConflictError, KaikoError, NotFoundError, current_request_id
from kaiko_middleware.conformance import check_answer

if TYPE_CHECKING:
    from kaiko_asgi import ASGIApp, Message

app = Quart(__name__)
app.config["PROPAGATE_EXCEPTIONS"] = True
app.register_error_handler(KaikoError, answer)
alone = Quart(__name__)


@app.get("/typed")
async def _typed() -> str:
    raise ConflictError("Taken")


@app.get("/abort")
async def _abort() -> str:
    abort(409, "Taken")


@app.get("/bug")
@alone.get("/bug")
async def _bug() -> str:
    raise ValueError("secret")


@app.get("/own")
async def _own() -> str:
    raise LookupError("secret")


@app.errorhandler(LookupError)
async def _answered(_error: LookupError) -> tuple[dict[str, str], int]:
    return {"detail": "There is no such thing"}, 404


@app.get("/sync")
def _sync() -> str:
    return str(current_request_id())


@app.websocket("/denied")
async def _denied() -> None:
    raise NotFoundError("There is no such room")


@app.websocket("/ends")
async def _ends() -> None:
    await websocket.accept()
    raise NotFoundError("The room was closed")


@app.websocket("/fails")
async def _fails() -> None:
    await websocket.accept()
    raise ValueError("secret")


def _wrapped(service: Quart) -> KaikoMiddleware:
    # Quart takes ASGI's events as Hypercorn types them.
    return KaikoMiddleware(cast("ASGIApp", service))


def _client(service: Quart, *, raises: bool = False) -> TestClient:
    return TestClient(_wrapped(service), raise_server_exceptions=raises)


@pytest.mark.parametrize("path", ["/typed", "/abort"])
def test_what_a_view_says(path: str, caplog: pytest.LogCaptureFixture) -> None:
    """A typed error and `abort` keep their text, in one record, and no signal tells of a bug."""
    caplog.set_level(logging.INFO)
    told: list[object] = []
    with got_request_exception.connected_to(lambda *_, **said: told.append(said), app):
        seen = _client(app, raises=True).get(path)
    assert check_answer(seen.status_code, seen.headers.items(), seen.content) == []
    error = seen.json()["error"]
    assert (seen.status_code, error["code"], error["message"]) == (409, "conflict", "Taken")
    assert (len(said(caplog)), told) == (1, [])


def test_a_bug_is_handed_on(caplog: pytest.LogCaptureFixture) -> None:
    """With one signal and one record; since 0.23 in the group of Quart's task group."""
    told: list[object] = []
    with got_request_exception.connected_to(lambda *_, **said: told.append(said), app):
        seen = _client(app).get("/bug")
        with pytest.raises((ExceptionGroup, ValueError), match=r"TaskGroup|secret"):
            _client(app, raises=True).get("/bug")
    assert (seen.status_code, seen.json()["error"]["code"]) == (500, "internal")
    assert (len(said(caplog)), len(told)) == (2, 2)


def test_without_the_setting_quart_answers(caplog: pytest.LogCaptureFixture) -> None:
    """Its 500 is rewritten, and the exception is in its own record alone."""
    seen = _client(alone, raises=True).get("/bug")
    assert (seen.status_code, seen.json()["error"]["code"]) == (500, "internal")
    assert [(record.name, bool(record.exc_info)) for record in caplog.records] == [
        (alone.logger.name, True),
        ("kaiko", False),
    ]


def test_the_services_handler_is_obeyed() -> None:
    """Its answer is rewritten."""
    seen = _client(app, raises=True).get("/own")
    error = seen.json()["error"]
    assert (seen.status_code, error["message"]) == (404, "There is no such thing")


def test_debug_shows_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    """Quart's page of a bug is an error answer like any other."""
    monkeypatch.setitem(app.config, "TESTING", True)
    seen = _client(app, raises=True).get("/bug")
    assert (seen.status_code, seen.json()["error"]["code"]) == (500, "internal")


def test_a_sync_view_has_the_id() -> None:
    """Quart runs it in a thread."""
    seen = _client(app).get("/sync")
    assert seen.text == seen.headers["x-request-id"]


async def _open(path: str) -> Socket:
    """Open a socket whose client leaves when it is told to."""
    seen, over = Socket(), asyncio.Event()
    incoming: list[Message] = [{"type": "websocket.connect"}]

    async def receive() -> Message:
        if incoming:
            return incoming.pop()
        await over.wait()
        return {"type": "websocket.disconnect", "code": 1001}

    async def send(message: Message) -> None:
        seen.take(message)
        if message["type"] == "websocket.close" or message.get("more_body") is False:
            over.set()

    with suppress(ExceptionGroup, ValueError):  # a bug is handed on
        await _wrapped(app)(socket_scope(path), receive, send)
    return seen


@pytest.mark.parametrize("path", ["/denied", "/nowhere"])
def test_a_socket_is_refused(path: str) -> None:
    """With the envelope, also where no route takes it."""
    denial = asyncio.run(_open(path)).denial
    assert denial is not None
    assert check_answer(denial.status, denial.headers, denial.body) == []
    assert (denial.status, denial.whole) == (404, True)


@pytest.mark.parametrize(
    ("path", "code", "reason"), [("/ends", 1008, "not_found"), ("/fails", 1011, "internal")]
)
def test_a_socket_is_closed(path: str, code: int, reason: str) -> None:
    """With the code and the reason."""
    closed = asyncio.run(_open(path)).closed
    assert closed is not None
    assert closed[0] == code
    assert closed[1].startswith(f"{reason} req-")
