"""Bare WSGI: an application without a framework, under the middleware alone."""

from __future__ import annotations

from threading import get_ident
from typing import TYPE_CHECKING

from conformance.guard_scenarios import GUARDS, NO_AWAIT, Guarded
from conformance.scenarios import BY_NAME, Answers, Body, Parses, Raises, Streams
from conformance.wsgi_client import WsgiDriver
from kaiko_guards.wsgi import GuardMiddleware
from kaiko_middleware import NotFoundError, parse_body
from kaiko_wsgi import KaikoMiddleware

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from wsgiref.types import StartResponse, WSGIEnvironment


def _stream(act: Streams) -> Iterator[bytes]:
    yield from act.chunks
    if act.make is not None:
        raise act.make()


def _answer(
    start: StartResponse, status: int, headers: Iterable[tuple[str, str]], body: bytes
) -> list[bytes]:
    length = [] if status in {204, 304} else [("Content-Length", str(len(body)))]
    start(f"{status} Said", [*headers, *length])
    return [body]


def application(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
    """Do what the path's scenario says."""
    path: str = environ["PATH_INFO"]
    if path == "/refuses":
        return _answer(start, 405, [("Allow", "GET, HEAD")], b"")
    if path == "/here":
        return _answer(start, 200, [], str(get_ident()).encode())
    scenario = BY_NAME.get(path.removeprefix("/s/"))
    if scenario is None:
        raise NotFoundError
    act = scenario.act
    match act:
        case Raises():
            raise act.make()
        case Answers():
            kind = [("Content-Type", act.content_type)] if act.content_type else []
            return _answer(start, act.status, [*kind, *act.headers], act.body)
        case Streams():
            start("200 OK", [("Content-Type", act.content_type)])
            return _stream(act)
        case Parses():
            parse_body(Body, environ["wsgi.input"].read())
            return _answer(start, 200, [("Content-Type", "application/json")], b"{}")
        case _:
            raise NotFoundError


DRIVERS = (WsgiDriver("wsgi", KaikoMiddleware(application)),)

_guarded = GuardMiddleware(application, GUARDS)
GUARDED = (
    Guarded(
        WsgiDriver("wsgi", KaikoMiddleware(GuardMiddleware(application, GUARDS))), lacks=NO_AWAIT
    ),
    Guarded(
        WsgiDriver("wsgi-alone", GuardMiddleware(application, GUARDS)),
        enveloped=False,
        lacks=NO_AWAIT,
    ),
)
