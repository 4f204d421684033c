"""Rows 83 to 128: what middleware, handlers, sockets, WSGI mounts and the lifespan do."""

from __future__ import annotations

import warnings
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, cast

from a2wsgi import WSGIMiddleware
from starlette.applications import Starlette
from starlette.authentication import (
    AuthCredentials,
    AuthenticationBackend,
    AuthenticationError,
    SimpleUser,
    requires,
)
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.middleware.httpsredirect import HTTPSRedirectMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route

from adapters.starlette.row import (
    Alone,
    Ask,
    Closed,
    Connect,
    Cut,
    Envelope,
    Row,
    Unreachable,
    raises,
    returns,
    socket,
    view,
)
from adapters.starlette.rows_views import BAD, INTERNAL, NOT_FOUND, aboom, boom, stream

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it is deprecated, and it is there
    from starlette.middleware.wsgi import WSGIMiddleware as StarletteWSGI

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterable, Iterator

    from starlette.middleware.base import RequestResponseEndpoint
    from starlette.requests import HTTPConnection, Request
    from starlette.types import ASGIApp
    from starlette.websockets import WebSocket

    from kaiko_asgi import Message, Receive, Scope, Send

_FORBIDDEN = Envelope(403, "permission_denied")
_ok = returns(lambda: PlainTextResponse("ok"))
_fails = raises(lambda: ValueError("secret"))

# --- 83 to 93: middleware ------------------------------------------------------------


class Pure:
    """A pure ASGI middleware that fails as it is told."""

    def __init__(self, app: ASGIApp, how: str) -> None:
        self.app = app
        self.how = how

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Fail."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
        elif self.how == "before":
            raise ValueError("secret")
        elif self.how == "http":
            raise HTTPException(403)
        elif self.how == "send":

            async def forward(message: Message) -> None:
                if message["type"] == "http.response.body":
                    raise ValueError("secret")
                await send(message)

            await self.app(scope, receive, forward)


class Base(BaseHTTPMiddleware):
    """A dispatch that does as it is told."""

    def __init__(self, app: ASGIApp, how: str) -> None:
        super().__init__(app)
        self.how = how

    async def dispatch(self, request: Request, call_next: RequestResponseEndpoint) -> Response:
        """Fail, or pass on."""
        if self.how == "http":
            raise HTTPException(403)
        response = await call_next(request)
        if self.how == "after":
            raise ValueError("secret")
        if self.how == "replaces":
            return PlainTextResponse("replaced", 409)
        if self.how == "none":
            return cast("Response", None)  # that is what goes wrong
        return response


class Silent:
    """An ASGI endpoint that returns without sending."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Do nothing."""


def _pure(how: str) -> Callable[[], Starlette]:
    return view(_ok, middleware=[Middleware(Pure, how)])


def _base(how: str, endpoint: Any = _ok) -> Callable[[], Starlette]:
    return view(endpoint, middleware=[Middleware(Base, how)])


def _group() -> BaseException:
    return ExceptionGroup("g", [ValueError("secret"), KeyError("secret")])


MIDDLEWARE = (
    Row("middleware/pure-before", _pure("before"), Ask(), INTERNAL),
    Row("middleware/pure-HTTPException", _pure("http"), Ask(), _FORBIDDEN),
    Row("middleware/pure-in-send-after-start", _pure("send"), Ask(), Cut(b"")),
    Row("middleware/pure-swallows", _pure("swallows"), Ask(), INTERNAL),
    Row("middleware/BaseHTTP-HTTPException", _base("http"), Ask(), _FORBIDDEN),
    Row("middleware/BaseHTTP-after", _base("after"), Ask(), INTERNAL),
    Row("middleware/BaseHTTP-returns-None", _base("none"), Ask(), INTERNAL),
    Row("middleware/BaseHTTP-drops-response", _base("replaces"), Ask(), Envelope(409, "conflict")),
    Row("middleware/BaseHTTP-endpoint-uncaught", _base("passes", _fails), Ask(), INTERNAL),
    Row("middleware/BaseHTTP-no-response", _base("passes", Silent()), Ask(), INTERNAL),
    Row("middleware/BaseHTTP-group", _base("passes", raises(_group)), Ask(), INTERNAL),
)

# --- 94 to 105: Starlette's own middleware -------------------------------------------

_ORIGIN = ("Origin", "https://example.org")
_CORS = [Middleware(CORSMiddleware, allow_origins=["https://example.org"])]
_HOSTS = [Middleware(TrustedHostMiddleware, allowed_hosts=["testserver", "127.0.0.1"])]
_GZIP = [Middleware(GZipMiddleware, minimum_size=1)]
_BAD_HOST = Ask(headers=(("Host", "evil.example"),))
_ALLOWED = (("access-control-allow-origin", "https://example.org"),)


class Backend(AuthenticationBackend):
    """Knows one user; refuses a bad header; fails on another."""

    async def authenticate(self, conn: HTTPConnection) -> tuple[AuthCredentials, SimpleUser] | None:
        """Tell who asks."""
        said = conn.headers.get("authorization")
        if said == "bad":
            raise AuthenticationError("no such key")
        if said == "fail":
            raise ValueError("secret")
        return None


_AUTHN = [Middleware(AuthenticationMiddleware, Backend())]


@requires("admin")
async def _admin(request: Request) -> Response:  # noqa: ARG001 - its name is looked at
    return PlainTextResponse("ok")


@requires("admin", redirect="login")
async def _admin_or_login(request: Request) -> Response:  # noqa: ARG001 - likewise
    return PlainTextResponse("ok")


def _with_login() -> Starlette:
    return Starlette(
        routes=[Route("/x", _admin_or_login), Route("/login", _ok, name="login")],
        middleware=_AUTHN,
    )


AROUND = (
    Row(
        "cors/preflight-method",
        view(_ok, middleware=_CORS),
        Ask(method="OPTIONS", headers=(_ORIGIN, ("Access-Control-Request-Method", "DELETE"))),
        Envelope(400, "bad_request", _ALLOWED),
    ),
    Row(
        "cors/on-404",
        view(_ok, middleware=_CORS),
        Ask("/no", headers=(_ORIGIN,)),
        Envelope(404, "not_found", _ALLOWED),
    ),
    Row("trusted-host/400", view(_ok, middleware=_HOSTS), _BAD_HOST, BAD),
    Row(
        "trusted-host/malformed",
        view(_ok, middleware=_HOSTS),
        Ask(headers=(("Host", "a b:c"),)),
        BAD,
    ),
    Row(
        "trusted-host/websocket",
        socket(lambda websocket: websocket.accept(), middleware=_HOSTS),
        Connect(headers=(("Host", "evil.example"),)),
        BAD,
    ),
    Row(
        "https-redirect/empty-host",
        view(_ok, middleware=[Middleware(HTTPSRedirectMiddleware)]),
        Ask(headers=(("Host", ""),)),
        Alone(307, "a redirect is never touched"),
    ),
    Row(
        "gzip/404",
        view(_ok, middleware=_GZIP),
        Ask("/no", headers=(("Accept-Encoding", "gzip"),)),
        NOT_FOUND,
    ),
    Row(
        "gzip/uncaught",
        view(_fails, middleware=_GZIP),
        Ask(headers=(("Accept-Encoding", "gzip"),)),
        INTERNAL,
    ),
    Row(
        "gzip/stream-mid",
        lambda: Starlette(routes=stream(aboom)().routes, middleware=_GZIP),
        Ask(),
        Cut(b"chunk-1;"),
    ),
    Row(
        "authentication/uncaught",
        view(_ok, middleware=_AUTHN),
        Ask(headers=(("Authorization", "fail"),)),
        INTERNAL,
    ),
    Row("authentication/requires-403", view(_admin, middleware=_AUTHN), Ask(), _FORBIDDEN),
    Row(
        "authentication/requires-redirect",
        _with_login,
        Ask(),
        Alone(303, "a redirect is never touched"),
    ),
)

# --- 106 to 110: handlers, debug -----------------------------------------------------


async def _answers(_request: Request, _exc: Exception) -> Response:
    return JSONResponse({"oops": True}, 500)


async def _breaks(_request: Request, _exc: Exception) -> Response:
    raise KeyError("secret")


async def _nothing(_request: Request, _exc: Exception) -> None:
    return None


_refuses = raises(lambda: HTTPException(403))

HANDLERS = (
    Row("handler/Exception", view(_fails, handlers={Exception: _answers}), Ask(), INTERNAL),
    Row(
        "handler/HTTPException-raises",
        view(_refuses, handlers={HTTPException: _breaks}),
        Ask(),
        INTERNAL,
    ),
    Row(
        "handler/returns-None",
        view(_refuses, handlers={HTTPException: _nothing}),
        Ask(),
        INTERNAL,
    ),
    Row("debug/uncaught", view(_fails, debug=True), Ask(), INTERNAL),
    Row(
        "request/bad-host-url",
        view(lambda request: PlainTextResponse(str(request.url.path))),
        Ask(headers=(("Host", "a b:c"),)),
        Alone(200, "Starlette falls back to the socket's address"),
    ),
)

# --- 111 to 122: WebSocket -----------------------------------------------------------


async def _fails_before(_websocket: WebSocket) -> None:
    boom()


async def _closes_before(websocket: WebSocket) -> None:
    await websocket.close(4001)


async def _denies(websocket: WebSocket) -> None:
    await websocket.send_denial_response(JSONResponse({"detail": "denied"}, 429))


def _after(make: Callable[[], BaseException]) -> Callable[[], Starlette]:
    async def endpoint(websocket: WebSocket) -> None:
        await websocket.accept()
        raise make()

    return socket(endpoint)


async def _reads_json(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.receive_json()


def _exits() -> BaseException:
    return SystemExit(3)


async def _exit_before(_websocket: WebSocket) -> None:
    raise _exits()


_GARBAGE: Message = {"type": "websocket.receive", "text": "{"}

SOCKETS = (
    Row("websocket/http-route", view(_ok), Connect("/x"), Envelope(404, "not_found")),
    Row("websocket/boom_before", socket(_fails_before), Connect(), INTERNAL),
    Row("websocket/close_before", socket(_closes_before), Connect(), _FORBIDDEN),
    Row("websocket/denial", socket(_denies), Connect(), Envelope(429, "too_many_requests")),
    Row(
        "websocket/boom_after",
        _after(lambda: ValueError("secret")),
        Connect(),
        Closed(1011, "internal"),
    ),
    Row(
        "websocket/http_after",
        _after(lambda: HTTPException(403)),
        Connect(),
        Closed(1008, "permission_denied"),
    ),
    Row("websocket/group_after", _after(_group), Connect(), Closed(1011, "internal")),
    Row(
        "websocket/bad-json",
        socket(_reads_json),
        Connect(incoming=(_GARBAGE,)),
        Closed(1011, "internal"),
    ),
    Row("websocket/SystemExit", socket(_exit_before), Connect(), INTERNAL, over_http=False),
    Row(
        "websocket/no-key",
        Starlette,
        Connect(),
        Unreachable("the server refuses the handshake"),
    ),
    Row(
        "websocket/AuthenticationError",
        socket(lambda websocket: websocket.accept(), middleware=_AUTHN),
        Connect(headers=(("Authorization", "bad"),)),
        _FORBIDDEN,
    ),
)

# --- 123 to 128: WSGI mounts, lifespan -----------------------------------------------


def _site(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    if environ["PATH_INFO"].endswith("/fail"):
        raise ValueError("secret")
    if environ["PATH_INFO"].endswith("/mid"):
        start_response("200 OK", [("Content-Type", "text/plain")])
        return _failing_chunks()
    start_response("404 Not Found", [("Content-Type", "text/html")])
    return [b"<h1>wsgi 404</h1>"]


def _failing_chunks() -> Iterator[bytes]:
    yield b"chunk-1;"
    raise ValueError("secret")


def _mounted(kind: type[Any]) -> Callable[[], Starlette]:
    return lambda: Starlette(routes=[Mount("/w", kind(_site))])


@asynccontextmanager
async def _no_start(_app: Starlette) -> AsyncGenerator[None]:
    raise ValueError("secret")
    yield


_a2wsgi = _mounted(WSGIMiddleware)
_starlette_wsgi = _mounted(StarletteWSGI)

MOUNTED = (
    Row("wsgi-mount/a2wsgi-404", _a2wsgi, Ask("/w/x"), NOT_FOUND),
    Row("wsgi-mount/a2wsgi-uncaught", _a2wsgi, Ask("/w/fail"), INTERNAL),
    Row("wsgi-mount/starlette.middleware.wsgi-404", _starlette_wsgi, Ask("/w/x"), NOT_FOUND),
    Row("wsgi-mount/starlette.middleware.wsgi-uncaught", _starlette_wsgi, Ask("/w/fail"), INTERNAL),
    Row(
        "wsgi-mount/starlette.middleware.wsgi-mid",
        _starlette_wsgi,
        Ask("/w/mid"),
        Cut(b"chunk-1;"),
    ),
    Row(
        "lifespan/startup-fails",
        lambda: Starlette(lifespan=_no_start),
        Ask(),
        Unreachable("no request is served"),
    ),
)
