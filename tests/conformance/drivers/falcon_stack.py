"""Falcon: under the WSGI middleware, which its error handler asks, and under the ASGI one."""

from __future__ import annotations

from threading import get_ident
from typing import TYPE_CHECKING, Any, cast

import falcon
import falcon.asgi

from conformance.asgi_client import AsgiDriver
from conformance.guard_scenarios import GUARDS, NO_AWAIT, Guarded
from conformance.scenarios import BY_NAME, Answers, Body, Parses, Raises, Streams
from conformance.wsgi_client import WsgiDriver
from kaiko_asgi import KaikoMiddleware as AsgiMiddleware
from kaiko_guards.wsgi import GuardMiddleware
from kaiko_middleware import parse_body
from kaiko_wsgi import KaikoMiddleware

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from kaiko_asgi import ASGIApp


def _stream(act: Streams) -> Iterator[bytes]:
    yield from act.chunks
    if act.make is not None:
        raise act.make()


def _answer(resp: falcon.Response, act: Answers) -> None:
    resp.status = act.status
    resp.data = act.body
    if act.content_type is not None:
        resp.content_type = act.content_type
    for field, value in act.headers:
        resp.append_header(field, value)


class View:
    """Does what the scenario says."""

    def on_get(self, req: falcon.Request, resp: falcon.Response, name: str) -> None:
        scenario = BY_NAME.get(name)
        if scenario is None:
            raise falcon.HTTPNotFound
        act = scenario.act
        match act:
            case Raises():
                raise act.make()
            case Answers():
                _answer(resp, act)
            case Streams():
                resp.content_type = act.content_type
                resp.stream = _stream(act)
            case Parses():
                parse_body(Body, req.stream.read())
                resp.media = {}
            case _:
                raise falcon.HTTPNotFound

    on_head = on_post = on_get


async def _events(act: Streams) -> AsyncIterator[bytes]:
    for chunk in _stream(act):
        yield chunk


class AsyncView:
    """Does what the scenario says, awaiting what Falcon's ASGI side wants awaited."""

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, name: str) -> None:
        scenario = BY_NAME.get(name)
        match None if scenario is None else scenario.act:
            case Raises() as act:
                raise act.make()
            case Answers() as act:
                _answer(resp, act)
            case Streams() as act:
                resp.content_type = act.content_type
                resp.stream = _events(act)
            case Parses():
                parse_body(Body, await req.stream.read())
                resp.media = {}
            case _:
                raise falcon.HTTPNotFound

    on_head = on_post = on_get


class AsyncRefuses:
    """Takes no method but GET."""

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """Answer."""


class Refuses:
    """Takes no method but GET."""

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Answer."""


class Here:
    """Says in which thread it is."""

    def on_get(self, _req: falcon.Request, resp: falcon.Response) -> None:
        resp.text = str(get_ident())


application = falcon.App()
app = KaikoMiddleware(application)


def on_error(
    req: falcon.Request, resp: falcon.Response, ex: Exception, _params: dict[str, Any]
) -> None:
    """Answer what Falcon would answer with a 500 and its own log."""
    resp.status = app.answer(ex, req.env).status


def as_json(_req: falcon.Request, resp: falcon.Response, ex: falcon.HTTPError) -> None:
    """Write Falcon's own errors alike, whatever the client accepts."""
    resp.content_type, resp.data = falcon.MEDIA_JSON, ex.to_json()


application.add_error_handler(Exception, on_error)
application.set_error_serializer(as_json)
application.add_route("/s/{name}", View())
application.add_route("/refuses", Refuses())
application.add_route("/here", Here())


async def pass_on(_req: Any, _resp: Any, ex: Exception, _params: Any) -> None:
    """Let out what Falcon would answer."""
    raise ex


over_asgi = falcon.asgi.App()
over_asgi.add_error_handler(Exception, pass_on)
over_asgi.set_error_serializer(as_json)
over_asgi.add_route("/s/{name}", AsyncView())
over_asgi.add_route("/refuses", AsyncRefuses())

DRIVERS = (
    WsgiDriver("falcon", app),
    # Falcon wants a `dict` for what ASGI calls a mapping.
    AsgiDriver("falcon-asgi", AsgiMiddleware(cast("ASGIApp", over_asgi))),
)
GUARDED = (
    Guarded(
        WsgiDriver("falcon", KaikoMiddleware(GuardMiddleware(application, GUARDS))), lacks=NO_AWAIT
    ),
    Guarded(
        WsgiDriver("falcon-alone", GuardMiddleware(application, GUARDS)),
        enveloped=False,
        lacks=NO_AWAIT,
    ),
)
