"""Flask: with `install`, and under the WSGI middleware alone, which a handler of its asks."""

from __future__ import annotations

from threading import get_ident
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, request
from werkzeug.exceptions import NotFound

from conformance.guard_scenarios import GUARDS, NO_AWAIT, Guarded
from conformance.scenarios import BY_NAME, Answers, Body, Parses, Raises, Streams
from conformance.wsgi_client import WsgiDriver
from kaiko_flask import install
from kaiko_guards.wsgi import GuardMiddleware
from kaiko_middleware import parse_body
from kaiko_wsgi import KaikoMiddleware

if TYPE_CHECKING:
    from collections.abc import Iterator


def _stream(act: Streams) -> Iterator[bytes]:
    yield from act.chunks
    if act.make is not None:
        raise act.make()


def view(name: str) -> Response:
    """Do what the scenario says."""
    scenario = BY_NAME.get(name)
    if scenario is None:
        raise NotFound
    act = scenario.act
    match act:
        case Raises():
            raise act.make()
        case Answers():
            kind = [("Content-Type", act.content_type)] if act.content_type else []
            return Response(act.body, act.status, [*kind, *act.headers])
        case Streams():
            return Response(_stream(act), content_type=act.content_type)
        case Parses():
            parse_body(Body, request.get_data())
            return Response("{}", content_type="application/json")
        case _:
            raise NotFound


def refuses() -> str:
    """Take no method but GET."""
    return ""


def here() -> str:
    """Say in which thread it is."""
    return str(get_ident())


def make_app() -> Flask:
    """Return the application."""
    app = Flask(__name__)
    app.add_url_rule("/s/<name>", view_func=view, methods=["GET", "POST"])
    app.add_url_rule("/refuses", view_func=refuses)
    app.add_url_rule("/here", view_func=here)
    return app


def installed(*, guarded: bool = False) -> Flask:
    """Return the application with `install`, and with the guards where they belong."""
    app = make_app()
    if guarded:
        app.wsgi_app = GuardMiddleware(app.wsgi_app, GUARDS)  # type: ignore[method-assign]  # as Flask's documentation does
    install(app)
    return app


def wrapped() -> KaikoMiddleware:
    """Return the application under the middleware alone."""
    app = make_app()
    outer = KaikoMiddleware(app)

    @app.errorhandler(Exception)
    def on_error(exc: Exception) -> Any:
        return Response(status=outer.answer(exc, request.environ).status)

    return outer


DRIVERS = (
    WsgiDriver("flask-install", installed()),
    WsgiDriver("flask-wrapped", wrapped()),
)
GUARDED = (
    Guarded(WsgiDriver("flask-install", installed(guarded=True)), lacks=NO_AWAIT),
    Guarded(
        WsgiDriver("flask-alone", GuardMiddleware(make_app(), GUARDS)),
        enveloped=False,
        lacks=NO_AWAIT,
    ),
)
