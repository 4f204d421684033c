"""Every way by which an error leaves a Litestar service, and what must become of it."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path
from tempfile import gettempdir
from typing import TYPE_CHECKING, Any

from litestar import Response, WebSocket, asgi, get, post, websocket
from litestar.config.allowed_hosts import AllowedHostsConfig
from litestar.config.compression import CompressionConfig
from litestar.config.cors import CORSConfig
from litestar.config.csrf import CSRFConfig
from litestar.di import NamedDependency, Provide
from litestar.exceptions import (
    HTTPException,
    ImproperlyConfiguredException,
    InternalServerException,
    NotAuthorizedException,
    WebSocketException,
)
from litestar.middleware.rate_limit import RateLimitConfig
from litestar.params import FromPath, FromQuery
from litestar.response import File, ServerSentEvent, Stream
from litestar.static_files import create_static_files_router
from litestar.types import Receive, Scope, Send
from starlette.applications import Starlette
from starlette.exceptions import HTTPException as StarletteHTTPException

from adapters.litestar import validated
from adapters.litestar.support import FORM, JSON, MULTIPART, answering, make_app
from adapters.starlette.row import Alone, Ask, Closed, Connect, Cut, Ended, Envelope, Gone, Row
from kaiko_middleware import Config, ConflictError, ExceptionMapping

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    Make = Callable[[], BaseException]


class SoldOut(ConflictError, code="litestar_sold_out", param="sku"):
    """Nothing is left."""


class StockError(Exception):
    """An exception that the service maps."""


SOLD_OUT = Envelope(409, "litestar_sold_out")
INTERNAL = Envelope(500, "internal")
NOT_FOUND = Envelope(404, "not_found")


def bug() -> Exception:
    return KeyError("kaiko_secret")


def raising(make: Make, **settings: Any) -> Any:
    """Return a new handler that raises: Litestar keeps what it finds out of one."""

    @get("/x", **settings)
    async def handler() -> None:
        raise make()

    return handler


def raised_in_a_thread() -> Any:
    @get("/x", sync_to_thread=True)
    def handler() -> None:
        raise SoldOut

    return handler


def returning(make: Callable[[], Any], **settings: Any) -> Any:
    """Return a handler that returns."""

    @get("/x", **settings)
    async def handler() -> Response[Any]:
        answer: Response[Any] = make()
        return answer

    return handler


def ok(**settings: Any) -> Any:
    """Return a handler that succeeds."""

    @get("/x", **settings)
    async def handler() -> str:
        return "fine"

    return handler


def depending(provider: Any) -> Any:
    """Return a handler with a dependency."""

    @get("/x", dependencies={"given": Provide(provider)})
    async def handler(given: NamedDependency[int]) -> int:
        return given

    return handler


async def refuse(*_given: Any) -> Any:
    """Be a hook, a guard, a dependency, an application that refuses."""
    raise SoldOut


async def refusing_dependency() -> int:
    """Be a dependency that refuses."""
    raise SoldOut


async def fail(*_given: Any) -> Any:
    """Be one that has a bug."""
    raise bug()


async def another_type() -> Any:
    """Be a dependency that gives what nobody asked for."""
    return "no number"


def refusing(app: Any) -> Any:
    """Be middleware that refuses."""
    del app
    return refuse


def passing(app: Any) -> Any:
    """Be middleware that does nothing: with one, Litestar has two layers that answer."""
    return app


@asgi("/mounted", is_mount=True, copy_scope=True)
async def mounted(scope: Scope, receive: Receive, send: Send) -> None:
    """Be an application that fails."""
    del scope, receive, send
    raise SoldOut


@asgi("/mounted", is_mount=True, copy_scope=True)
async def mounted_starlette(scope: Scope, receive: Receive, send: Send) -> None:
    """Be another framework's application."""
    given: tuple[Any, Any, Any] = (scope, receive, send)
    await Starlette()(*given)


@get("/numbers/{number:int}")
async def numbered(number: FromPath[int]) -> int:
    """Take a number of the path."""
    return number


@post("/x")
async def posted() -> None:
    """Take anything."""


def streaming(kind: str, *chunks: bytes, make: Make = bug) -> Any:
    """Return a handler whose stream fails after some chunks."""

    async def sent() -> AsyncIterator[bytes]:
        for chunk in chunks:
            yield chunk
        raise make()

    @get("/x")
    async def handler() -> Stream:
        return Stream(sent(), media_type=kind)

    return handler


def events() -> Any:
    """Return a handler with Litestar's own events."""

    async def sent() -> AsyncIterator[str]:
        yield "1"
        raise SoldOut

    @get("/x")
    async def handler() -> ServerSentEvent:
        return ServerSentEvent(sent())

    return handler


def lost_file() -> Any:
    """Return a handler with a file that is not there."""

    @get("/x")
    async def handler() -> File:
        return File("/nowhere/at/all")

    return handler


def socket(make: Make | None, *, accepted: bool = False, **settings: Any) -> Any:
    """Return a socket that fails, or ends well."""

    @websocket("/ws", **settings)
    async def handler(socket: WebSocket[Any, Any, Any]) -> None:
        if accepted:
            await socket.accept()
        if make is not None:
            raise make()

    return handler


@websocket("/ws")
async def socket_parameter(socket: WebSocket[Any, Any, Any], number: FromQuery[int]) -> None:
    """Take a parameter."""
    del socket, number


def mapped() -> Config:
    """Return settings that map an exception."""
    mapping = ExceptionMapping()
    mapping.register(StockError, lambda _: SoldOut("Mapped"))
    return Config(mapping=mapping)


def _row(name: str, becomes: Any, handler: Any, ask: Any = None, **settings: Any) -> Row:
    return Row(name, partial(make_app, [handler], **settings), ask or Ask(), becomes)


def _valid(  # noqa: PLR0917 - a request's parts
    name: str, status: int, code: str, path: str, body: bytes = b"", kind: str = ""
) -> Row:
    headers = (("Content-Length", str(len(body))), ("Content-Type", kind))
    ask = Ask(path, "POST" if kind else "GET", headers if kind else (), (body,))
    return Row(name, validated.make, ask, Envelope(status, code))


_ORIGIN = ("Origin", "https://a.example")
_CORS = CORSConfig(allow_origins=[_ORIGIN[1]], allow_methods=["GET"])
_EXPOSED = (("access-control-allow-origin", _ORIGIN[1]),)

EVERY: tuple[Row, ...] = (
    # Your code raises
    _row("uncaught/handler", INTERNAL, raising(bug)),
    _row("uncaught/group", INTERNAL, raising(lambda: ExceptionGroup("g", [SoldOut(), bug()]))),
    _row("uncaught/mapped", SOLD_OUT, raising(StockError), config=mapped()),
    _row("uncaught/timeout", Envelope(503, "timeout"), raising(TimeoutError)),
    _row("uncaught/configuration", INTERNAL, raising(ImproperlyConfiguredException)),
    _row("uncaught/before_request", INTERNAL, ok(), before_request=fail),
    _row("uncaught/before_send", INTERNAL, ok(), before_send=[fail]),
    _row("raised/typed", SOLD_OUT, raising(SoldOut)),
    _row("raised/thread", SOLD_OUT, raised_in_a_thread()),
    _row("raised/before_request", SOLD_OUT, ok(), before_request=refuse),
    _row("raised/after_request", SOLD_OUT, ok(), after_request=refuse),
    _row("raised/group", SOLD_OUT, raising(lambda: ExceptionGroup("g", [SoldOut()]))),
    _row("after-response/hook", Alone(200, "the answer is whole"), ok(), after_response=fail),
    _row("dependency/raises", SOLD_OUT, depending(refusing_dependency)),
    _row("dependency/another-type", INTERNAL, depending(another_type)),
    _row("HTTPException/status", Envelope(418, "im_a_teapot"),
         raising(lambda: HTTPException(status_code=418))),
    _row("HTTPException/500", INTERNAL, raising(InternalServerException)),
    _row("HTTPException/odd-status", INTERNAL,
         raising(lambda: HTTPException("x", status_code=600))),
    _row("HTTPException/no-error", Alone(307, "it is no error"),
         raising(lambda: HTTPException("There", status_code=307))),
    _row("HTTPException/starlette", Envelope(410, "gone"),
         raising(lambda: StarletteHTTPException(410))),
    # Cancelled, interrupted, exiting
    _row("BaseException/SystemExit", INTERNAL, raising(SystemExit)),
    _row("BaseException/CancelledError", INTERNAL, raising(asyncio.CancelledError)),
    # Your code returns an error, or what cannot be sent
    _row("returned/json", Envelope(409, "conflict"),
         returning(lambda: Response({"detail": "Taken"}, status_code=409))),
    _row("returned/text", Envelope(403, "permission_denied"),
         returning(lambda: Response("No", status_code=403, media_type="text/plain"))),
    _row("returned/502", Envelope(503, "service_unavailable"),
         returning(lambda: Response("<h1>", status_code=502, media_type="text/html"))),
    _row("response/no-json", INTERNAL, returning(lambda: Response(object()))),
    # Routing, hosts and redirects
    _row("routing/404", NOT_FOUND, ok(), Ask("/nowhere")),
    _row("routing/path-number", NOT_FOUND, numbered, Ask("/numbers/x")),
    _row("routing/huge-path-number", NOT_FOUND, numbered, Ask("/numbers/" + "9" * 5000)),
    _row("method/405", Envelope(405, "method_not_allowed", (("allow", "GET, OPTIONS"),)), ok(),
         Ask(method="DELETE")),
    _row("host/malformed", Envelope(400, "invalid_host"), ok(), Ask(headers=(("Host", "a b"),))),
    _row("host/not-allowed", Envelope(400, "bad_request"), ok(),
         allowed_hosts=AllowedHostsConfig(["a.example"])),
    _row("mount/raises", SOLD_OUT, mounted, Ask("/mounted/x")),
    _row("mount/starlette-404", NOT_FOUND, mounted_starlette, Ask("/mounted/x")),
    # Bodies and their limits
    _valid("body/malformed", 400, "invalid_json", "/model", b"{", JSON),
    _valid("body/not-utf8", 400, "invalid_json", "/model", b"\xff", JSON),
    _valid("body/deep", 400, "invalid_json", "/model", b"[" * 100_000, JSON),
    _valid("body/huge-number", 400, "invalid_json", "/model", b"9" * 5000, JSON),
    _valid("body/by-hand", 400, "invalid_json", "/by-hand", b"{", JSON),
    _valid("body/none", 400, "missing_body", "/model", b"", JSON),
    _valid("body/wrong-type", 415, "unsupported_media_type", "/model", b"a=b", FORM),
    _valid("body/multipart", 400, "invalid_form", "/multipart", b"garbage", MULTIPART),
    _valid("body/too-large", 413, "payload_too_large", "/small", b"1" * 99, JSON),
    Row("disconnect/body", validated.make,
        Ask("/model", "POST", (("Content-Length", "9"),), (), leaves=True), Gone()),
    # Validation
    _valid("validation/model", 400, "missing_field", "/model", b"{}", JSON),
    _valid("validation/model-in-a-dataclass", 400, "missing_field", "/order",
           b'{"name": "a", "items": [{}]}', JSON),
    _valid("validation/struct", 422, "invalid_count", "/struct", b'{"sku":"a","count":"x"}', JSON),
    _valid("validation/unknown-field", 400, "unknown_field", "/struct",
           b'{"sku":"a","count":1,"x":1}', JSON),
    _valid("validation/dto", 422, "invalid_size", "/dto", b'{"name":"a","size":"x"}', JSON),
    _valid("validation/form", 400, "missing_field", "/form", b"sku=a", FORM),
    _valid("validation/file", 400, "missing_field", "/file", b"", MULTIPART),
    _valid("validation/missing-parameter", 400, "missing_field", "/dependent"),
    _valid("validation/parameter", 400, "invalid_page", "/dependent?page=x"),
    # Who may do what
    _row("security/guard", Envelope(401, "invalid_api_key"),
         ok(guards=[lambda *_: (_ for _ in ()).throw(NotAuthorizedException())])),
    _row("permission/guard", SOLD_OUT, ok(guards=[refuse])),
    _row("csrf/no-token", Envelope(403, "csrf_failed"), posted, Ask(method="POST"),
         csrf_config=CSRFConfig("x" * 32)),
    _row("throttle/rate-limit", Envelope(429, "too_many_requests"), ok(),
         middleware=[RateLimitConfig(("minute", 0)).middleware]),
    _row("cors/bug", Envelope(500, "internal", _EXPOSED), raising(bug), Ask(headers=(_ORIGIN,)),
         cors_config=_CORS),
    _row("cors/404", Envelope(404, "not_found", _EXPOSED), ok(), Ask("/n", headers=(_ORIGIN,)),
         cors_config=_CORS),
    _row("cors/exit", Envelope(500, "internal", _EXPOSED), raising(SystemExit),
         Ask(headers=(_ORIGIN,)), cors_config=_CORS),
    _row("cors/preflight", Envelope(400, "bad_request", _EXPOSED), ok(),
         Ask(method="OPTIONS", headers=(_ORIGIN, ("Access-Control-Request-Method", "DELETE"))),
         cors_config=_CORS),
    # Streams and files
    _row("stream/first", INTERNAL, streaming("text/plain")),
    _row("stream/first-typed", SOLD_OUT, streaming("text/plain", make=SoldOut)),
    _row("stream/text", Cut(b"a"), streaming("text/plain", b"a")),
    _row("stream/events", Ended("internal"), streaming("text/event-stream", b"data: 1\n\n")),
    _row("stream/events-typed", Ended("litestar_sold_out"),
         streaming("text/event-stream", b"data: 1\n\n", make=SoldOut)),
    _row("stream/events-http-exception", Ended("conflict"),
         streaming("text/event-stream", b"data: 1\n\n",
                   make=lambda: HTTPException(status_code=409))),
    _row("stream/events-two-layers", Ended("litestar_sold_out"),
         streaming("text/event-stream", b"data: 1\n\n", make=SoldOut), middleware=[passing]),
    _row("stream/server-sent-events", Ended("litestar_sold_out"), events()),
    _row("file/missing", INTERNAL, lost_file()),
    _row("static/404", NOT_FOUND, create_static_files_router("/files", [Path(gettempdir())]),
         Ask("/files/kaiko/nothing")),
    _row("gzip/typed", SOLD_OUT, raising(SoldOut), Ask(headers=(("Accept-Encoding", "gzip"),)),
         compression_config=CompressionConfig("gzip", minimum_size=1)),
    # WebSockets
    _row("websocket/raises", INTERNAL, socket(bug), Connect()),
    _row("websocket/typed", SOLD_OUT, socket(SoldOut), Connect()),
    _row("websocket/guard", SOLD_OUT, socket(None, guards=[refuse]), Connect()),
    _row("websocket/parameter", Envelope(400, "missing_field"), socket_parameter, Connect()),
    _row("websocket/bad-parameter", Envelope(400, "invalid_number"), socket_parameter,
         Connect("/ws?number=x")),
    _row("websocket/404", NOT_FOUND, ok(), Connect()),
    _row("websocket/to-http", NOT_FOUND, ok(), Connect("/x")),
    _row("websocket/raises-after", Closed(1011, "internal"), socket(bug, accepted=True), Connect()),
    _row("websocket/typed-after", Closed(1008, "litestar_sold_out"),
         socket(SoldOut, accepted=True), Connect()),
    _row("websocket/own-code", Alone(4401, "the service says how it is closed"),
         socket(lambda: WebSocketException(detail="Own", code=4401), accepted=True), Connect()),
    # Middleware, error handlers, debug mode
    _row("middleware/raises", SOLD_OUT, ok(), middleware=[refusing]),
    _row("handler/own", Envelope(418, "im_a_teapot"),
         raising(bug, exception_handlers={KeyError: answering(418, "Own")})),
    _row("handler/own-500", Envelope(418, "im_a_teapot"),
         raising(bug, exception_handlers={500: answering(418, "Own")})),
    _row("handler/fails", INTERNAL,
         raising(SoldOut, exception_handlers={SoldOut: lambda *_: 1 // 0})),
    _row("handler/fails-two-layers", INTERNAL,
         raising(SoldOut, exception_handlers={SoldOut: lambda *_: 1 // 0}), middleware=[passing]),
    _row("debug/json", INTERNAL, raising(bug), debug=True),
    _row("debug/html", Alone(500, "a debug page, for a browser"), raising(bug),
         Ask(headers=(("Accept", "text/html"),)), debug=True),
)  # fmt: skip
