"""Bottle under the WSGI middleware alone; what it would catch itself, it lets out."""

from __future__ import annotations

from threading import get_ident
from typing import TYPE_CHECKING, Any

from bottle import Bottle, HTTPError, HTTPResponse, request, response

from conformance.guard_scenarios import GUARDS, NO_AWAIT, NO_COUNT, Guarded
from conformance.scenarios import BY_NAME, Answers, Body, Parses, Raises, Streams
from conformance.wsgi_client import WsgiDriver
from kaiko_guards.wsgi import GuardMiddleware
from kaiko_middleware import parse_body
from kaiko_wsgi import KaikoMiddleware

if TYPE_CHECKING:
    from collections.abc import Iterator

application = Bottle()
application.config["catchall"] = False

# It looks at the first chunk before it sends a head, so this is the clean error of a stream.
FIRST_CHUNK = frozenset({"events-fail-at-once"})


def _stream(act: Streams) -> Iterator[bytes]:
    yield from act.chunks
    if act.make is not None:
        raise act.make()


def view(name: str) -> Any:
    """Do what the scenario says."""
    scenario = BY_NAME.get(name)
    if scenario is None:
        raise HTTPError(404)
    act = scenario.act
    match act:
        case Raises():
            raise act.make()
        case Answers():
            answer: Any = HTTPResponse(status=act.status, headers=act.headers)
            answer.body = act.body
            if act.content_type is not None:
                answer.content_type = act.content_type
            return answer
        case Streams():
            response.content_type = act.content_type
            return _stream(act)
        case Parses():
            sent: Any = request.body  # a property, which the checkers do not know
            parse_body(Body, sent.read())
            return {}
        case _:
            raise HTTPError(404)


def refuses() -> str:
    """Take no method but GET."""
    return ""


def here() -> str:
    """Say in which thread it is."""
    return str(get_ident())


for path, callback in (("/s/<name>", view), ("/refuses", refuses), ("/here", here)):
    application.get(path, callback=callback)
application.post("/s/<name>", callback=view)

DRIVERS = (WsgiDriver("bottle", KaikoMiddleware(application), lacks=FIRST_CHUNK),)
GUARDED = (
    Guarded(
        WsgiDriver("bottle", KaikoMiddleware(GuardMiddleware(application, GUARDS))),
        lacks=NO_AWAIT | NO_COUNT,
    ),
    Guarded(
        WsgiDriver("bottle-alone", GuardMiddleware(application, GUARDS)),
        enveloped=False,
        lacks=NO_AWAIT | NO_COUNT,
    ),
)
