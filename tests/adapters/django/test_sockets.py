"""WebSockets that nothing takes: Django's handler speaks HTTP alone, Channels' routers raise."""

from __future__ import annotations

import logging
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest
from django.core.handlers.asgi import ASGIHandler
from django.test import override_settings

from adapters.asgi.apps import error_of
from adapters.asgi.server import connect
from adapters.django.stacks import Project
from adapters.django.support import fine
from kaiko_asgi import KaikoMiddleware
from kaiko_django import get_asgi_application

if TYPE_CHECKING:
    from kaiko_asgi import Receive, Scope, Send

channels: Any = import_module("channels.routing")  # it has no types
path: Any = import_module("django.urls").path  # whose stubs know views alone
handler: Any = ASGIHandler


async def takes(_scope: Scope, _receive: Receive, send: Send) -> None:
    """Accept a socket, and leave it."""
    await send({"type": "websocket.accept"})


async def fails(_scope: Scope, _receive: Receive, _send: Send) -> None:
    """Fail before the handshake."""
    raise ValueError("secret")


def _channels(**protocols: Any) -> Any:
    return channels.ProtocolTypeRouter({"http": handler(), **protocols})


APPS: dict[str, Any] = {
    "wrapper": get_asgi_application,
    "middleware around the handler": lambda: KaikoMiddleware(handler()),
    "no protocol": lambda: KaikoMiddleware(_channels()),
    "no route": lambda: KaikoMiddleware(
        _channels(websocket=channels.URLRouter([path("takes", takes)]))
    ),
    "nested": lambda: KaikoMiddleware(
        _channels(
            websocket=channels.URLRouter([path("in/", channels.URLRouter([path("takes", takes)]))])
        )
    ),
}


@pytest.mark.parametrize("name", APPS)
@pytest.mark.parametrize("denial", [True, False])
def test_nothing_takes_it(name: str, *, denial: bool, caplog: pytest.LogCaptureFixture) -> None:
    """It is the client's mistake: 404, no retry, no ERROR, and nothing is raised."""
    with override_settings(**Project(fine).all_settings()), caplog.at_level(logging.INFO):
        seen = connect(APPS[name](), "/in/nowhere", denial=denial)
    assert (seen.accepted, seen.raised) == (False, None)
    if denial:
        assert seen.denial is not None
        assert error_of(seen.denial)["code"] == "not_found"
        assert seen.denial.one("x-should-retry") == "false"
    (record,) = [each for each in caplog.records if each.name.startswith("kaiko")]
    assert (record.levelname, getattr(record, "status", None)) == ("INFO", 404)


@pytest.mark.parametrize("app", [takes, fails])
def test_what_is_taken(app: Any, caplog: pytest.LogCaptureFixture) -> None:
    """A socket that has a route is served, and a bug in there stays a bug."""
    router = _channels(websocket=channels.URLRouter([path("x", app)]))
    with override_settings(**Project(fine).all_settings()):
        seen = connect(KaikoMiddleware(router), "/x")
    assert seen.accepted == (app is takes)
    assert isinstance(seen.raised, ValueError) == (app is fails)
    assert [each.levelname for each in caplog.records] == ([] if app is takes else ["ERROR"])
