"""WSGI applications driven by hand, without a server."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any

from kaiko_wsgi import KaikoMiddleware

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from bench.measure import Run


class PassThrough:
    """The least that a WSGI middleware can be: the measure of the others."""

    def __init__(self, app: WSGIApplication) -> None:
        self.app = app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Serve one request."""
        return self.app(environ, start_response)


def plain(_environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Answer a small JSON success, as frameworks do."""
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", "15")])
    return [b'{"status":"ok"}']


def environ_for(path: str) -> WSGIEnvironment:
    """Return a request's environ as servers make it, with the headers of `bench.asgi`."""
    return {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": "2",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "127.0.0.1:8000",
        "HTTP_USER_AGENT": "python-httpx2/2.16.2",
        "HTTP_ACCEPT": "*/*",
        "HTTP_ACCEPT_ENCODING": "gzip, deflate",
        "HTTP_X_API_KEY": "kaiko_test_0123456789abcdef",
        "HTTP_X_FORWARDED_FOR": "192.0.2.7",
        "HTTP_X_FORWARDED_PROTO": "https",
        "HTTP_X_REQUEST_ID": "req-7f65ab21d1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }


def drop_bytes(_data: bytes) -> None:
    """Send nowhere."""


def drop_head(_line: str, *_fields: object) -> Callable[[bytes], object]:
    """Send a head nowhere."""
    return drop_bytes


def driven(app: WSGIApplication, path: str = "/v2/status") -> Run:
    """Return what serves `path` by `app` as often as it is told, as a server does."""
    template = environ_for(path)

    def run(times: int) -> None:
        for _ in range(times):
            body: Any = app(
                {**template, "wsgi.input": BytesIO()}, drop_head
            )  # it may have a `close`
            for _chunk in body:
                pass
            if hasattr(body, "close"):
                body.close()

    return run


def bare() -> Run:
    """Return the application alone."""
    return driven(plain)


def passed_through() -> Run:
    """Return it in an empty middleware."""
    return driven(PassThrough(plain))


def wrapped() -> Run:
    """Return it in ours, with all defaults."""
    return driven(KaikoMiddleware(plain))
