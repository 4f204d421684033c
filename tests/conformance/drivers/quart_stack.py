"""Quart under the middleware for ASGI, as docs/quickstart/quart.md sets it up."""

from __future__ import annotations

import asyncio
from threading import get_ident
from typing import TYPE_CHECKING, cast

from quart import Quart, Response, has_websocket_context, request
from werkzeug.datastructures import Headers
from werkzeug.exceptions import NotFound

from conformance.asgi_client import AsgiDriver, disconnecting
from conformance.guard_scenarios import GUARDS, Guarded
from conformance.scenarios import BY_NAME, Answers, Body, Parses, Raises, Streams
from kaiko_asgi import KaikoMiddleware
from kaiko_guards.asgi import GuardMiddleware
from kaiko_middleware import KaikoError, current_request_id, parse_body, render

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from kaiko_asgi import ASGIApp


async def view(name: str) -> Response:
    """Do what the scenario says."""
    scenario = BY_NAME.get(name)
    if scenario is None:
        raise NotFound
    act = scenario.act
    match act:
        case Raises():
            raise act.make()
        case Answers():
            headers = Headers(list(act.headers))
            answer = Response(act.body, act.status, headers, content_type=act.content_type)
            if act.content_type is None:
                del answer.headers["content-type"]
            return answer
        case Streams():
            return Response(_chunks(act), content_type=act.content_type)
        case Parses():
            parse_body(Body, await request.get_data())
            return Response("{}", content_type="application/json")
        case _:
            raise NotFound


async def _chunks(act: Streams) -> AsyncIterator[bytes]:
    for chunk in act.chunks:
        yield chunk
    if act.make is not None:
        raise act.make()


async def refuses() -> str:
    """Take no method but GET."""
    return ""


async def here() -> str:
    """Say in which thread it is."""
    return str(get_ident())


async def waits() -> str:
    """Take long."""
    await asyncio.sleep(60)
    return ""


async def answer(error: KaikoError) -> Response:
    """Answer a typed error, as the page says."""
    if has_websocket_context():
        raise error
    reply = render(error, current_request_id() or "-")
    return Response(reply.body, reply.status, Headers(list(reply.headers)))


def make_app() -> ASGIApp:
    """Return the application, as the page says but for the middleware."""
    app = Quart(__name__)
    app.config["PROPAGATE_EXCEPTIONS"] = True
    app.register_error_handler(KaikoError, answer)
    app.add_url_rule("/s/<name>", view_func=view, methods=["GET", "POST"])
    for each in (refuses, here, waits):
        app.add_url_rule(f"/{each.__name__}", view_func=each)
    # Quart takes ASGI's events as Hypercorn types them.
    return cast("ASGIApp", app)


_app = make_app()
DRIVERS = (AsgiDriver("quart", disconnecting(KaikoMiddleware(_app))),)
GUARDED = (
    Guarded(AsgiDriver("quart", disconnecting(KaikoMiddleware(GuardMiddleware(_app, GUARDS))))),
    Guarded(
        AsgiDriver("quart-alone", disconnecting(GuardMiddleware(_app, GUARDS))), enveloped=False
    ),
)
