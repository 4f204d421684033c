"""What streams, sockets, handlers and middleware do, and what becomes of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import TYPE_CHECKING, Any, cast

from fastapi import (
    Depends,
    FastAPI,
    HTTPException,
    Request,
    Response,
    WebSocket,
    WebSocketException,
)
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware

from adapters.fastapi.models import Message
from adapters.fastapi.routes import make_app
from adapters.fastapi.ways import Ended, Way
from adapters.fastapi.ways_views import INTERNAL, bug, raising
from adapters.starlette.row import Ask, Closed, Connect, Envelope

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

# --- streams ---------------------------------------------------------------------------


def streaming(endpoint: Callable[..., Any], *, events: bool = False) -> Callable[[], FastAPI]:
    """Return a maker of an application whose view is a generator."""

    def make() -> FastAPI:
        app = FastAPI()
        how: dict[str, Any] = {}
        if events:
            from fastapi.sse import EventSourceResponse

            how["response_class"] = EventSourceResponse
        app.add_api_route("/x", endpoint, **how)
        return app

    return make


async def _items() -> AsyncIterator[dict[str, int]]:
    yield {"n": 1}
    raise bug()


def _items_sync() -> Iterator[dict[str, int]]:
    yield {"n": 1}
    raise bug()


async def _bad_items() -> AsyncIterator[Message]:
    yield Message.model_validate({"role": "user"})
    yield cast("Message", {"text": "no role"})  # wrong on purpose


async def _refused() -> AsyncIterator[dict[str, int]]:
    raise HTTPException(404, "No such stream")
    yield {}


_FIRST = b'{"n":1}\n'
_EVENT = b'data: {"n":1}\n\n'
STREAMS = (
    Way("stream/jsonl", streaming(_items), Ask(), Ended("internal", _FIRST), needs="event streams"),
    Way(
        "stream/jsonl-ResponseValidationError",
        streaming(_bad_items),
        Ask(),
        Ended("internal", b'{"role":"user","text":""}\n'),
        needs="event streams",
    ),
    Way(
        "stream/jsonl-HTTPException",
        streaming(_refused),
        Ask(),
        Envelope(404, "not_found"),
        needs="event streams",
    ),
    Way(
        "stream/jsonl-sync",
        streaming(_items_sync),
        Ask(),
        Ended("internal", _FIRST),
        needs="event streams",
    ),
    Way(
        "stream/sse",
        streaming(_items, events=True),
        Ask(),
        Ended("internal"),
        needs="event streams",
    ),
    Way(
        "stream/sse-HTTPException",
        streaming(_refused, events=True),
        Ask(),
        Ended("not_found"),
        needs="event streams",
    ),
)

# --- sockets ---------------------------------------------------------------------------


def socket(endpoint: Callable[..., Any], **how: Any) -> Callable[[], FastAPI]:
    """Return a maker of an application with one WebSocket route."""

    def make() -> FastAPI:
        app = FastAPI()
        app.add_api_websocket_route("/ws", endpoint, **how)
        return app

    return make


async def _policy(websocket: WebSocket) -> None:
    del websocket
    raise WebSocketException(1008, "no")


async def _fails_open(websocket: WebSocket) -> None:
    await websocket.accept()
    raise bug()


async def _accepts(websocket: WebSocket) -> None:
    await websocket.accept()


async def _numbered(websocket: WebSocket, limit: int) -> None:
    del websocket, limit


SOCKETS = (
    Way(
        "websocket/WebSocketException",
        socket(_policy),
        Connect(),
        Envelope(403, "permission_denied"),
    ),
    Way("websocket/uncaught-after", socket(_fails_open), Connect(), Closed(1011, "internal")),
    Way(
        "websocket/validation-after",
        socket(_numbered, dependencies=[Depends(_accepts)]),
        Connect("/ws?limit=x"),
        Closed(1008, "invalid_limit"),
    ),
)

# --- handlers of the service -----------------------------------------------------------


def handling(
    kind: type[Exception], handler: Callable[..., Any], make: Callable[[], FastAPI]
) -> Callable[[], FastAPI]:
    """Return a maker of an application with a handler of the service's own."""

    def made() -> FastAPI:
        app = make()
        app.add_exception_handler(kind, handler)
        return app

    return made


async def _oops(_request: Request, _exc: Exception) -> Response:
    return JSONResponse({"oops": True}, 500)


async def _value(_request: Request, _exc: Exception) -> Response:
    return JSONResponse({"value": "error"}, 400)


async def _broken(_request: Request, _exc: Exception) -> Response:
    raise bug()


HANDLERS = (
    Way("handler/Exception", handling(Exception, _oops, raising(bug)), Ask(), INTERNAL),
    Way(
        "handler/ValueError",
        handling(ValueError, _value, raising(bug)),
        Ask(),
        Envelope(400, "bad_request"),
    ),
    Way(
        "handler/validation-raises",
        handling(RequestValidationError, _broken, make_app),
        Ask("/filtered"),
        INTERNAL,
    ),
)

# --- middleware ------------------------------------------------------------------------


class Raising:
    """Pure ASGI middleware that raises what it is told to."""

    def __init__(self, app: ASGIApp, failing: Callable[[], Exception]) -> None:
        self.app = app
        self.failing = failing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve nothing."""
        del scope, receive, send
        raise self.failing()


def under(middleware: Any, make: Callable[[], FastAPI], **options: Any) -> Callable[[], FastAPI]:
    """Return a maker of an application under a middleware."""

    def made() -> FastAPI:
        app = make()
        app.add_middleware(middleware, **options)
        return app

    return made


def under_function(
    function: Callable[..., Any], make: Callable[[], FastAPI]
) -> Callable[[], FastAPI]:
    """Return a maker of an application under an `@app.middleware("http")`."""

    def made() -> FastAPI:
        app = make()
        app.middleware("http")(function)
        return app

    return made


async def _refuses(_request: Request, _call_next: Callable[..., Any]) -> Response:
    raise HTTPException(403, "by middleware")


async def _passes(request: Request, call_next: Callable[..., Any]) -> Response:
    response: Response = await call_next(request)
    return response


_ORIGIN = (("origin", "https://app.example"),)
_ALLOWED = (("access-control-allow-origin", "https://app.example"),)
_CORS: dict[str, Any] = {"allow_origins": ["https://app.example"]}

MIDDLEWARE = (
    Way(
        "middleware/pure-HTTPException",
        under(Raising, make_app, failing=lambda: HTTPException(403, "by middleware")),
        Ask(),
        Envelope(403, "permission_denied"),
    ),
    Way("middleware/pure-before", under(Raising, make_app, failing=bug), Ask(), INTERNAL),
    Way(
        "middleware/BaseHTTP-HTTPException",
        under_function(_refuses, make_app),
        Ask(),
        Envelope(403, "permission_denied"),
    ),
    Way(
        "middleware/BaseHTTP-stream",
        under_function(_passes, streaming(_items)),
        Ask(),
        Ended("internal", _FIRST),
        needs="event streams",
    ),
    Way(
        "cors/on-422",
        under(CORSMiddleware, make_app, **_CORS),
        Ask("/filtered", headers=_ORIGIN),
        Envelope(400, "missing_field", _ALLOWED),
    ),
    Way(
        "cors/on-500",
        under(CORSMiddleware, raising(bug), **_CORS),
        Ask(headers=_ORIGIN),
        Envelope(500, "internal", _ALLOWED),
        rough=INTERNAL,
    ),
    Way(
        "cors/preflight",
        under(CORSMiddleware, make_app, **_CORS),
        Ask(
            "/filtered",
            "OPTIONS",
            (("origin", "https://evil.example"), ("access-control-request-method", "GET")),
        ),
        Envelope(400, "bad_request"),
    ),
    Way(
        "gzip/422",
        under(GZipMiddleware, make_app, minimum_size=1),
        Ask("/filtered", headers=(("accept-encoding", "gzip"),)),
        Envelope(400, "missing_field"),
    ),
)
