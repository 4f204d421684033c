"""Pyramid under the WSGI middleware alone."""

from __future__ import annotations

from threading import get_ident
from typing import TYPE_CHECKING, Any

from pyramid.config import Configurator
from pyramid.httpexceptions import HTTPMethodNotAllowed, HTTPNotFound
from pyramid.response import Response

from conformance.guard_scenarios import GUARDS, NO_AWAIT, Guarded
from conformance.scenarios import BY_NAME, Answers, Body, Parses, Raises, Streams
from conformance.wsgi_client import WsgiDriver
from kaiko_guards.wsgi import GuardMiddleware
from kaiko_middleware import parse_body
from kaiko_wsgi import KaikoMiddleware

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from wsgiref.types import WSGIApplication

# WebOb makes an absolute URL of it.
ABSOLUTE = frozenset({"redirect"})


def _stream(act: Streams) -> Iterator[bytes]:
    yield from act.chunks
    if act.make is not None:
        raise act.make()


def view(request: Any) -> Response:
    """Do what the scenario says."""
    scenario = BY_NAME.get(request.matchdict["name"])
    if scenario is None:
        raise HTTPNotFound
    act = scenario.act
    match act:
        case Raises():
            raise act.make()
        case Answers():
            kind = [("Content-Type", act.content_type)] if act.content_type else []
            return Response(act.body, act.status, [*kind, *act.headers])
        case Streams():
            return Response(app_iter=_stream(act), content_type=act.content_type)
        case Parses():
            parse_body(Body, request.body_file.read())
            return Response(json_body={})
        case _:
            raise HTTPNotFound


def refuses(_request: Any) -> Response:
    """Take no method but GET."""
    raise HTTPMethodNotAllowed(headers=[("Allow", "GET")])


def here(_request: Any) -> Response:
    """Say in which thread it is."""
    return Response(str(get_ident()))


def make_app(on_error: Callable[[Exception, Any], Response] | None = None) -> WSGIApplication:
    """Return the application; what its exception view does, if it has one."""
    with Configurator() as config:
        for called in (view, refuses, here):
            name = called.__name__
            config.add_route(name, "/s/{name}" if called is view else f"/{name}")
            config.add_view(called, route_name=name)
        if on_error is not None:
            config.add_exception_view(on_error, context=Exception)
        app: WSGIApplication = config.make_wsgi_app()
        return app


def answer(exc: Exception, request: Any) -> Response:
    """Be an exception view: have the middleware answer."""
    return Response(status=app.answer(exc, request.environ).status)


application = make_app()
app = KaikoMiddleware(make_app(answer))

DRIVERS = (
    WsgiDriver("pyramid", KaikoMiddleware(application), lacks=ABSOLUTE),
    WsgiDriver("pyramid-view", app, lacks=ABSOLUTE),
)
GUARDED = (
    Guarded(
        WsgiDriver("pyramid", KaikoMiddleware(GuardMiddleware(application, GUARDS))), lacks=NO_AWAIT
    ),
    Guarded(
        WsgiDriver("pyramid-alone", GuardMiddleware(application, GUARDS)),
        enveloped=False,
        lacks=NO_AWAIT,
    ),
)
