"""ASGI applications driven by hand: no server and no event loop, so that only they count.

What waits for nothing runs to its end at the first `send(None)`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kaiko_asgi import KaikoMiddleware
from kaiko_middleware import Config

if TYPE_CHECKING:
    from bench.measure import Run
    from kaiko_asgi import ASGIApp, Message, Receive, Scope, Send

REQUEST_HEADERS = [
    (b"host", b"127.0.0.1:8000"),
    (b"user-agent", b"python-httpx2/2.16.2"),
    (b"accept", b"*/*"),
    (b"accept-encoding", b"gzip, deflate"),
    (b"connection", b"keep-alive"),
    (b"content-type", b"application/json"),
    (b"content-length", b"2"),
    (b"x-api-key", b"kaiko_test_0123456789abcdef"),
    (b"x-forwarded-for", b"192.0.2.7"),
    (b"x-forwarded-proto", b"https"),
    (b"traceparent", b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
    (b"x-request-id", b"req-7f65ab21d1"),
]
"""Twelve, as an API behind a gateway gets them."""


class PassThrough:
    """The least that an ASGI middleware can be: the measure of the others."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        await self.app(scope, receive, send)


async def plain(_scope: Scope, _receive: Receive, send: Send) -> None:
    """Answer a small JSON success, as frameworks do."""
    await send(
        {
            "type": "http.response.start",
            "status": 200,
            "headers": [(b"content-length", b"15"), (b"content-type", b"application/json")],
        }
    )
    await send({"type": "http.response.body", "body": b'{"status":"ok"}'})


def scope_for(path: str) -> Scope:
    """Return a request's scope as uvicorn makes it."""
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "server": ("127.0.0.1", 8000),
        "client": ("127.0.0.1", 50000),
        "scheme": "http",
        "method": "GET",
        "root_path": "",
        "path": path,
        "raw_path": path.encode("ascii"),
        "query_string": b"",
        "headers": REQUEST_HEADERS,
    }


async def receive_nothing() -> Message:
    """Return an empty body."""
    return {"type": "http.request", "body": b"", "more_body": False}


async def drop(_message: Message) -> None:
    """Send nowhere."""


def driven(app: ASGIApp, path: str = "/v2/status") -> Run:
    """Return what serves `path` by `app` as often as it is told."""
    template = scope_for(path)

    def run(times: int) -> None:
        for _ in range(times):
            # uvicorn, too, makes a scope with a state for each request.
            call = app({**template, "state": {}}, receive_nothing, drop)
            try:
                call.__await__().send(None)
            except StopIteration:
                continue
            msg = "the application waits for something"
            raise RuntimeError(msg)

    return run


def bare() -> Run:
    """Return the application alone."""
    return driven(plain)


def passed_through() -> Run:
    """Return it in an empty middleware."""
    return driven(PassThrough(plain))


def wrapped() -> Run:
    """Return it in ours, with all defaults: an inbound id is ignored."""
    return driven(KaikoMiddleware(plain))


def trusting() -> Run:
    """Return it in ours, with an inbound id read, checked and taken."""
    return driven(KaikoMiddleware(plain, Config(trust_request_id=True)))
