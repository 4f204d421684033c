"""Falcon under the WSGI middleware, which its error handler asks."""

from __future__ import annotations

from threading import get_ident
from typing import TYPE_CHECKING, Any

import falcon

from conformance.guard_scenarios import GUARDS, NO_AWAIT, Guarded
from conformance.scenarios import BY_NAME, Answers, Body, Parses, Raises, Streams
from conformance.wsgi_client import WsgiDriver
from kaiko_guards.wsgi import GuardMiddleware
from kaiko_middleware import parse_body
from kaiko_wsgi import KaikoMiddleware

if TYPE_CHECKING:
    from collections.abc import Iterator


def _stream(act: Streams) -> Iterator[bytes]:
    yield from act.chunks
    if act.make is not None:
        raise act.make()


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
                resp.status = act.status
                resp.data = act.body
                if act.content_type is not None:
                    resp.content_type = act.content_type
                for field, value in act.headers:
                    resp.append_header(field, value)
            case Streams():
                resp.content_type = act.content_type
                resp.stream = _stream(act)
            case Parses():
                parse_body(Body, req.stream.read())
                resp.media = {}
            case _:
                raise falcon.HTTPNotFound

    on_head = on_post = on_get


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

DRIVERS = (WsgiDriver("falcon", app),)
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
