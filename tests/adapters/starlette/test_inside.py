"""A warning where a `BaseHTTPMiddleware` inside of ours would hide the failure of a stream."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute

from adapters.asgi.server import ask, connect
from adapters.starlette.stacks import STACKS, Adopt
from kaiko_middleware import Config
from kaiko_starlette import KaikoMiddleware, install

if TYPE_CHECKING:
    from starlette.middleware.base import RequestResponseEndpoint
    from starlette.requests import Request
    from starlette.websockets import WebSocket

    from kaiko_asgi import ASGIApp, Message

adopted = pytest.mark.parametrize("adopt", STACKS, ids=lambda adopt: adopt.__name__)


class Base(BaseHTTPMiddleware):
    """Passes on."""

    async def dispatch(self, request: Request, call_next: RequestResponseEndpoint) -> Response:
        """Pass on."""
        return await call_next(request)


class Derived(Base):
    """One more step from Starlette's class."""


async def passes(request: Request, call_next: RequestResponseEndpoint) -> Response:
    """Pass on, as a function."""
    return await call_next(request)


async def _ok(_request: Request) -> Response:
    return PlainTextResponse("ok")


async def _socket(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.close()


def make(*middleware: Middleware) -> Starlette:
    """Return a small application."""
    return Starlette(
        routes=[Route("/", _ok), WebSocketRoute("/ws", _socket)], middleware=middleware
    )


def start(app: ASGIApp) -> None:
    """Start the application and stop it, as a server does."""
    events = iter(["lifespan.startup", "lifespan.shutdown"])

    async def receive() -> Message:
        return {"type": next(events)}

    async def send(_message: Message) -> None:
        pass

    async def serve() -> None:
        await app({"type": "lifespan", "asgi": {"version": "3.0"}}, receive, send)

    asyncio.run(serve())


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the warnings of the toolkit."""
    return [
        record.getMessage()
        for record in caplog.records
        if (record.name, record.levelno) == ("kaiko", logging.WARNING)
    ]


@adopted
def test_it_comes_at_start_up(adopt: Adopt, caplog: pytest.LogCaptureFixture) -> None:
    """Before the first request; it names the class and says what to do; requests add none."""
    app = adopt(make(Middleware(CORSMiddleware), Middleware(Derived)), None)
    start(app)
    (text,) = warnings(caplog)
    assert f"{Derived.__module__}.Derived" in text
    assert "after install(app)" in text
    assert "pure ASGI" in text
    ask(app)
    ask(app)
    connect(app, "/ws")
    start(app)
    assert len(warnings(caplog)) == 1


@adopted
@pytest.mark.parametrize("config", [Config(), Config(paths=["/v2"]), Config(exclude_paths=["/"])])
@pytest.mark.parametrize("first", [ask, lambda app: connect(app, "/ws")], ids=["http", "ws"])
def test_without_a_start_up_it_comes_with_the_first_connection(
    adopt: Adopt, config: Config, first: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Also where that connection is one that is left alone."""
    app = adopt(make(Middleware(Base)), config)
    first(app)
    assert len(warnings(caplog)) == 1
    ask(app)
    connect(app, "/ws")
    assert len(warnings(caplog)) == 1


def test_what_is_added_after_wrapping_is_seen(caplog: pytest.LogCaptureFixture) -> None:
    """Starlette takes middleware until its first connection."""
    inner = make()
    app = KaikoMiddleware(inner)
    inner.add_middleware(Base)
    start(app)
    assert len(warnings(caplog)) == 1


def test_what_is_wrapped_by_hand_is_seen(caplog: pytest.LogCaptureFixture) -> None:
    """Without any list: `KaikoMiddleware(Base(app))`, and through what has an `app`."""
    start(KaikoMiddleware(CORSMiddleware(Base(make()))))
    assert len(warnings(caplog)) == 1


def test_functions_are_told_by_name(caplog: pytest.LogCaptureFixture) -> None:
    """The class is Starlette's own where only a function was written."""
    start(KaikoMiddleware(BaseHTTPMiddleware(make(), dispatch=passes)))
    start(KaikoMiddleware(make(Middleware(BaseHTTPMiddleware, dispatch=passes))))
    told = warnings(caplog)
    assert len(told) == 2
    name = f"starlette.middleware.base.BaseHTTPMiddleware with {__name__}.passes"
    assert all(name in text for text in told)


def test_several_are_one_warning(caplog: pytest.LogCaptureFixture) -> None:
    """Each is named in it."""
    app = make(Middleware(Base), Middleware(Derived))
    install(app)
    start(app)
    (text,) = warnings(caplog)
    assert "Base, " in text
    assert "Derived" in text


@pytest.mark.parametrize("within", ["mount's", "application's", "route's"])
def test_what_is_mounted_is_seen(within: str, caplog: pytest.LogCaptureFixture) -> None:
    """Any way to an endpoint counts."""
    routes = {
        "mount's": Mount("/m", routes=[Route("/", _ok)], middleware=[Middleware(Base)]),
        "application's": Mount("/m", app=make(Middleware(Base))),
        "route's": Route("/m", _ok, middleware=[Middleware(Base)]),
    }
    app = Starlette(routes=[Route("/", _ok), routes[within]])
    install(app)
    start(app)
    assert len(warnings(caplog)) == 1


@adopted
def test_outside_it_does_no_harm(adopt: Adopt, caplog: pytest.LogCaptureFixture) -> None:
    """There the last event has been sent before it ends anything; nor do others."""
    app = adopt(make(Middleware(CORSMiddleware)), None)
    start(Base(app))
    added = make()
    install(added)
    added.add_middleware(Base)
    start(added)
    assert ask(added).status == 200
    assert warnings(caplog) == []


def test_outside_of_an_inner_one_of_ours_it_does_no_harm(caplog: pytest.LogCaptureFixture) -> None:
    """The inner one has ended the stream by then; what is inside of that, it tells itself."""
    mounted = make()
    install(mounted)
    app = Starlette(routes=[Mount("/m", app=mounted)], middleware=[Middleware(Base)])
    install(app)
    start(app)
    ask(app, "/m/")
    assert warnings(caplog) == []
    twice = make(Middleware(Base))
    install(twice)
    start(KaikoMiddleware(twice))
    assert len(warnings(caplog)) == 1
