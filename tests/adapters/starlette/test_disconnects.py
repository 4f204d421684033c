"""A client that leaves, on real sockets, and Starlette's ways of hiding who failed."""

from __future__ import annotations

import asyncio
import logging
import socket
from typing import TYPE_CHECKING, Any

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocketDisconnect

from adapters.asgi.apps import error_of, said
from adapters.asgi.loopback import PROTOCOLS, Protocol, connected, fetch, run, serving
from adapters.asgi.server import ask, call, connect, http_scope
from adapters.starlette.stacks import STACKS, Adopt
from kaiko_middleware import NotFoundError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from starlette.middleware.base import RequestResponseEndpoint
    from starlette.websockets import WebSocket

    from kaiko_asgi import ASGIApp, Message

adopted = pytest.mark.parametrize("adopt", STACKS, ids=lambda adopt: adopt.__name__)
served = pytest.mark.parametrize("http", PROTOCOLS)


class Base(BaseHTTPMiddleware):
    """A middleware of the kind that streams what it wraps."""

    async def dispatch(self, request: Request, call_next: RequestResponseEndpoint) -> Response:
        """Pass on."""
        return await call_next(request)


_MIDDLEWARE: dict[str, list[Middleware]] = {
    "none": [],
    "cors": [Middleware(CORSMiddleware, allow_origins=["*"])],
    "gzip": [Middleware(GZipMiddleware)],
    "base": [Middleware(Base)],
}
between = pytest.mark.parametrize("middleware", _MIDDLEWARE)


def _app(endpoint: Any, middleware: str = "none") -> Starlette:
    return Starlette(
        routes=[Route("/", endpoint, methods=["GET", "POST"]), Route("/ok", _ok)],
        middleware=_MIDDLEWARE[middleware],
    )


def _ok(_request: Request) -> Response:
    return PlainTextResponse("ok")


def levels(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the levels of our records."""
    return [level for level, _ in said(caplog)]


# --- a real socket -------------------------------------------------------------------


def _drop(client: Any) -> None:
    """Close a connection as a client that crashed does: without a goodbye."""
    transport = client.writer.transport
    raw: socket.socket = transport.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    transport.abort()


@adopted
@served
@between
def test_a_client_that_leaves_a_stream(
    adopt: Adopt, http: Protocol, middleware: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Its generator is stopped as before; nothing is logged as an error."""
    caplog.set_level(logging.DEBUG, logger="kaiko")
    stopped: list[str] = []

    async def main() -> bytes:
        ended = asyncio.Event()

        async def endpoint(_request: Request) -> Response:
            async def chunks() -> AsyncIterator[bytes]:
                try:
                    while True:
                        yield b"x" * 1000
                        await asyncio.sleep(0)
                except BaseException as exc:
                    stopped.append(type(exc).__name__)
                    raise
                finally:
                    ended.set()

            return StreamingResponse(chunks(), media_type="text/plain")

        async with serving(adopt(_app(endpoint, middleware), None), http) as port:
            async with connected(port) as client:
                client.write()
                await client.head()
                await client.chunk()
                _drop(client)
            await ended.wait()
            return (await fetch(port, "/ok")).body

    assert run(main()) == b"ok"
    assert len(stopped) == 1
    assert set(levels(caplog)) <= {"DEBUG"}
    assert [item for item in caplog.records if item.levelno >= logging.ERROR] == []


@adopted
@served
@between
def test_a_client_that_leaves_while_its_body_is_read(
    adopt: Adopt, http: Protocol, middleware: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Starlette raises ClientDisconnect: one record at DEBUG, and the server hears nothing."""
    caplog.set_level(logging.DEBUG, logger="kaiko")

    async def main() -> bytes:
        began, raised = asyncio.Event(), asyncio.Event()

        async def endpoint(request: Request) -> Response:
            began.set()
            try:
                return JSONResponse(await request.json())
            finally:
                raised.set()

        async with serving(adopt(_app(endpoint, middleware), None), http) as port:
            async with connected(port) as client:
                client.write(method="POST", headers=[("Content-Length", "100")], body=[b"{"])
                await began.wait()
                _drop(client)
            await raised.wait()
            return (await fetch(port, "/ok")).body

    assert run(main()) == b"ok"
    assert levels(caplog) == ["DEBUG"]
    # Around the application, Starlette's own handler has logged nothing, but uvicorn is
    # handed nothing either.
    assert [item for item in caplog.records if item.levelno >= logging.ERROR] == []


# --- ClientDisconnect ----------------------------------------------------------------


@adopted
@between
def test_a_body_that_breaks_off_is_no_error(
    adopt: Adopt, middleware: str, caplog: pytest.LogCaptureFixture
) -> None:
    """No answer, one record at DEBUG, nothing raised."""
    caplog.set_level(logging.DEBUG, logger="kaiko")

    async def endpoint(request: Request) -> Response:
        return JSONResponse(await request.json())

    answer = ask(adopt(_app(endpoint, middleware), None), method="POST", body=[b"{"], leaves=True)
    assert answer.events == []
    assert answer.raised is None
    assert levels(caplog) == ["DEBUG"]


@adopted
def test_nor_where_the_service_has_a_handler_of_last_resort(
    adopt: Adopt, caplog: pytest.LogCaptureFixture
) -> None:
    """What it answers goes to nobody."""
    caplog.set_level(logging.DEBUG, logger="kaiko")

    async def endpoint(request: Request) -> Response:
        return JSONResponse(await request.json())

    async def last(_request: Request, _exc: Exception) -> Response:
        return JSONResponse({"oops": True}, 500)

    app = Starlette(
        routes=[Route("/", endpoint, methods=["POST"])], exception_handlers={Exception: last}
    )
    answer = ask(adopt(app, None), method="POST", body=[b"{"], leaves=True)
    assert answer.events == []
    assert answer.raised is None
    assert levels(caplog) == ["DEBUG"]


def _left(message: Message) -> None:
    if message.get("body"):
        raise ConnectionResetError("gone")


@adopted
@pytest.mark.parametrize("middleware", ["none", "cors", "gzip"])
@pytest.mark.parametrize("media_type", ["text/plain", "text/event-stream"])
def test_a_server_that_says_so_from_send_is_believed(
    adopt: Adopt, middleware: str, media_type: str, caplog: pytest.LogCaptureFixture
) -> None:
    """By ASGI 2.4 `send` raises an OSError, which Starlette makes a ClientDisconnect of."""
    caplog.set_level(logging.DEBUG, logger="kaiko")

    async def endpoint(_request: Request) -> Response:
        return StreamingResponse(iter([b"a" * 9]), media_type=media_type)

    app = adopt(_app(endpoint, middleware), None)
    answer = asyncio.run(call(app, http_scope(), on_send=_left))
    assert not answer.body
    assert answer.raised is None
    assert levels(caplog) == ["DEBUG"]


_FAILURES: dict[str, Callable[[], Exception]] = {
    "file": lambda: FileNotFoundError(2, "No such file", "/srv/secret"),
    "database": lambda: ConnectionResetError("the database left"),
    "os": lambda: OSError("disk full"),
}


@adopted
@pytest.mark.parametrize("name", _FAILURES)
@pytest.mark.parametrize("middleware", ["none", "cors", "gzip"])
def test_an_os_error_of_the_bodys_own_is_no_disconnect(
    adopt: Adopt, name: str, middleware: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Though Starlette makes a ClientDisconnect of it: a 500 before the first chunk, or a cut."""
    make = _FAILURES[name]

    def app_of(*chunks: bytes) -> ASGIApp:
        async def endpoint(_request: Request) -> Response:
            async def body() -> AsyncIterator[bytes]:
                for chunk in chunks:
                    yield chunk
                raise make()

            return StreamingResponse(body(), media_type="text/plain")

        return adopt(_app(endpoint, middleware), None)

    first = ask(app_of())
    assert error_of(first)["code"] == "internal"
    assert levels(caplog) == ["ERROR"]
    assert isinstance(first.raised, ClientDisconnect)
    caplog.clear()
    cut = ask(app_of(b"a"))
    assert (cut.status, cut.body, cut.whole) == (200, b"a", False)
    assert levels(caplog) == ["ERROR"]
    assert isinstance(cut.raised, ClientDisconnect)


@adopted
def test_a_timeout_of_the_bodys_own_is_one(adopt: Adopt) -> None:
    """A TimeoutError is an OSError: 503 before the first chunk."""

    async def endpoint(_request: Request) -> Response:
        async def body() -> AsyncIterator[bytes]:
            raise TimeoutError("slow")
            yield b""

        return StreamingResponse(body())

    answer = ask(adopt(_app(endpoint), None))
    assert (answer.status, error_of(answer)["code"]) == (503, "timeout")


@adopted
def test_a_typed_error_of_the_bodys_own_is_itself(adopt: Adopt) -> None:
    """Starlette makes a RuntimeError of one that has a handler and comes after the head."""

    async def endpoint(_request: Request) -> Response:
        async def body() -> AsyncIterator[bytes]:
            raise NotFoundError("gone")
            yield b""

        return StreamingResponse(body())

    answer = ask(adopt(_app(endpoint), None))
    assert (answer.status, error_of(answer)["message"]) == (404, "gone")
    assert answer.raised is None


# --- sockets -------------------------------------------------------------------------


@adopted
def test_a_socket_that_is_left_is_no_error(adopt: Adopt, caplog: pytest.LogCaptureFixture) -> None:
    """Starlette raises WebSocketDisconnect from a read, which endpoints let pass."""
    caplog.set_level(logging.DEBUG, logger="kaiko")

    async def endpoint(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.receive_text()

    app = Starlette(routes=[WebSocketRoute("/ws", endpoint)])
    seen = connect(adopt(app, None), "/ws")
    assert seen.accepted
    assert (seen.closed, seen.raised) == (None, None)
    assert levels(caplog) == ["DEBUG"]


@adopted
@pytest.mark.parametrize("ws", ["wsproto"])
def test_nor_on_a_real_socket(adopt: Adopt, ws: str, caplog: pytest.LogCaptureFixture) -> None:
    """The client drops the connection while the service waits for it."""
    caplog.set_level(logging.DEBUG, logger="kaiko")
    raised: list[str] = []

    async def main() -> None:
        ended = asyncio.Event()

        async def endpoint(websocket: WebSocket) -> None:
            await websocket.accept()
            try:
                await websocket.receive_text()
            except WebSocketDisconnect as exc:
                raised.append(type(exc).__name__)
                raise
            finally:
                ended.set()

        app = adopt(Starlette(routes=[WebSocketRoute("/ws", endpoint)]), None)
        async with serving(app, ws=ws) as port:
            async with connected(port) as client:
                seen = await client.upgrade("/ws")
                assert seen.accepted
                _drop(client)
            await ended.wait()

    run(main())
    assert raised == ["WebSocketDisconnect"]
    assert levels(caplog) == ["DEBUG"]
    assert [item for item in caplog.records if item.levelno >= logging.ERROR] == []
