"""What every WSGI server serves: the scenarios without a framework, and a few routes more.

The request's `X-Served` header says whose answer is wanted: `wsgi`, the same application without
the middleware as `bare`, or `flask` or `django`, which are loaded when they are first asked.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any

from conformance.drivers.bare_wsgi import application as scenarios
from kaiko_middleware import NotFoundError, current_request_id
from kaiko_wsgi import KaikoMiddleware

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

# What is then in the server's log is the server's.
logging.getLogger("kaiko").propagate = False
logging.getLogger("kaiko").addHandler(logging.NullHandler())

_CHUNK = b"x" * 65_536
_TEXT = ("Content-Type", "text/plain")
_left: list[str] = []
_before: list[str] = []
"""The ids that were current when a request came: there is one only if another request left it."""
_two = threading.Barrier(2, timeout=20)


def _endless() -> Iterator[bytes]:
    try:
        while True:
            yield _CHUNK
    finally:
        _left.append("wsgi")


def _ids() -> Iterator[bytes]:
    """Tell the current id three times, each when another request is about to tell its own."""
    for _ in range(3):
        _two.wait()
        yield f"{current_request_id()} ".encode()


def _failing(query: str) -> Iterator[bytes]:
    yield b"chunk"
    raise ValueError(f"late {query}")


_LENGTHS = {"/nearly-bytes": 5, "/short": 1_000, "/large": 100 * len(_CHUNK)}
_STREAMS: dict[str, Callable[[str], Iterator[bytes]]] = {
    "/endless": lambda _query: _endless(),
    "/ids": lambda _query: _ids(),
    "/late": _failing,
    "/nearly-bytes": lambda _query: _nearly_bytes(),
    "/short": _failing,
    "/large": lambda _query: (_CHUNK for _ in range(100)),
}


def _nearly_bytes() -> Iterator[Any]:
    yield bytearray(b"he")
    yield memoryview(b"llo")


def service(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Do what the path says; the scenarios' routes are there too."""
    path: str = environ["PATH_INFO"]
    query: str = environ["QUERY_STRING"]
    body: Iterable[bytes]
    if (stream := _STREAMS.get(path)) is not None:
        body, length = stream(query), _LENGTHS.get(path)
    elif path in {"/left", "/before", "/length"}:
        said = str(len(_left)) if path == "/left" else ",".join(_before)
        if path == "/length":
            said = str(len(environ["wsgi.input"].read()))
        body, length = [said.encode()], len(said)
    elif path == "/unread":
        raise NotFoundError("The body is not read")
    elif path == "/bug":
        raise ValueError(f"bug {query}")
    else:
        return scenarios(environ, start_response)
    start_response(
        "200 OK", [_TEXT, *([] if length is None else [("Content-Length", str(length))])]
    )
    return body


_wsgi = KaikoMiddleware(service)


def _django() -> WSGIApplication:
    from servers.served import wsgi_application as django

    return django


def _flask() -> WSGIApplication:
    from conformance.drivers.flask_stack import DRIVERS

    return DRIVERS[0].app


def wsgi_application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Hand on to the application that the request asks for."""
    before = current_request_id()
    if before is not None:
        _before.append(before)
    match environ.get("HTTP_X_SERVED"):
        case "bare":
            return service(environ, start_response)
        case "flask":
            return _flask()(environ, start_response)
        case "django":
            return _django()(environ, start_response)
        case _:
            return _wsgi(environ, start_response)
