"""WebSockets on Litestar: denied before they are accepted, closed after."""

from __future__ import annotations

from typing import Any

import pytest
from litestar import Litestar, WebSocket, get, websocket, websocket_listener
from litestar.exceptions import WebSocketDisconnect, WebSocketException
from litestar.params import FromQuery, JSONBody
from litestar.testing import TestClient

from adapters.asgi.server import connect
from adapters.litestar.support import answering, error_of, make_app
from kaiko_middleware import Config, ConflictError

Socket = WebSocket[Any, Any, Any]


class Busy(ConflictError, code="litestar_busy"):
    """Somebody else has it."""


@websocket("/bug")
async def bug(socket: Socket) -> None:
    """Fail before it is accepted, with a bug."""
    del socket
    raise LookupError


@websocket("/late")
async def late(socket: Socket) -> None:
    """Fail after it is accepted."""
    await socket.accept()
    raise Busy


@websocket("/late-bug")
async def late_bug(socket: Socket) -> None:
    """Fail after it is accepted, with a bug."""
    await socket.accept()
    raise LookupError


@websocket("/own")
async def own(socket: Socket) -> None:
    """Close by Litestar's exception for it."""
    await socket.accept()
    raise WebSocketException(detail="Own", code=4401)


@websocket("/closing")
async def closing(socket: Socket) -> None:
    """Close while an exception is handled."""
    await socket.accept()
    try:
        int("x")
    except ValueError:
        await socket.close(code=4404, reason="Own")


@websocket("/parameter")
async def parameter(socket: Socket, number: FromQuery[int]) -> None:
    """Take a parameter."""
    del number
    await socket.accept()
    await socket.close()


@websocket_listener("/listener")
async def listener(data: JSONBody[dict[str, int]]) -> dict[str, int]:
    """Answer messages."""
    if data:
        raise Busy
    return data


@get("/http")
async def http() -> None:
    """Serve HTTP alone."""


HANDLERS = [
    bug, late, late_bug, own, closing, parameter, listener, http,
]  # fmt: skip
APP = make_app(HANDLERS)


@pytest.mark.parametrize("path", ["/bug", "/late-bug"])
def test_a_bug_is_no_exception_of_the_servers(path: str) -> None:
    """As it is without the toolkit."""
    assert connect(APP, path).raised is None


@pytest.mark.parametrize(("path", "code"), [("/own", 4401), ("/closing", 4404)])
def test_a_close_of_the_services_own_stays(path: str, code: int) -> None:
    """It says what the service wants."""
    assert connect(APP, path).closed == (code, "Own")


def test_one_that_ends_well() -> None:
    """Nothing is added but the id."""
    seen = connect(APP, "/parameter?number=1")
    assert (seen.accepted, seen.closed) == (True, (1000, ""))


@pytest.mark.parametrize(
    ("message", "code"), [("{", "invalid_json"), ('{"a": 1}', "litestar_busy")]
)
def test_listeners(message: str, code: str) -> None:
    """A message that cannot be read is the client's mistake."""
    with TestClient(APP) as client, client.websocket_connect("/listener") as socket:
        socket.send_text("{}")
        assert socket.receive_text() == "{}"
        socket.send_text(message)
        with pytest.raises(WebSocketDisconnect, match=code) as closed:
            socket.receive_text()
    assert closed.value.code == 1008


def test_uncovered_sockets_are_as_without_the_toolkit() -> None:
    """They are closed by Litestar."""
    bare: Any = Litestar(HANDLERS, logging_config=None)
    app = make_app(HANDLERS, Config(paths=("/api",)))
    for path in ("/late", "/own"):
        assert connect(app, path).closed == connect(bare, path).closed


def test_a_hook_hears_of_sockets() -> None:
    """As it does without the toolkit."""
    heard: list[str] = []

    async def hook(exc: Exception, scope: Any) -> None:
        heard.append(f"{type(exc).__name__} {scope['type']}")

    connect(make_app(HANDLERS, after_exception=[hook]), "/late")
    assert heard == ["Busy websocket"]


def test_handlers_are_for_requests_alone() -> None:
    """Litestar calls none for a socket."""
    app = make_app(HANDLERS, exception_handlers={Busy: answering(418, "Own")})
    assert connect(app, "/late").closed is not None


def test_what_leaves_litestar_goes_on() -> None:
    """A hook that fails is the server's to hear of, as it is without the toolkit."""

    async def hook(*_given: Any) -> None:
        raise OverflowError

    seen = connect(make_app(HANDLERS, after_exception=[hook]), "/late")
    assert type(seen.raised) is OverflowError
    assert seen.closed is not None
    assert seen.closed[0] == 1011


@pytest.mark.parametrize("denial", [True, False])
def test_a_host_that_is_not_allowed(*, denial: bool) -> None:
    """Litestar answers a handshake as a request, which no server takes."""
    app = make_app(HANDLERS, allowed_hosts=["cups.example"])
    seen = connect(app, "/closing", denial=denial)
    assert seen.raised is None
    if denial:
        assert seen.denial is not None
        assert (seen.denial.status, error_of(seen.denial)["code"]) == (400, "bad_request")
    else:
        assert seen.closed is not None
        assert (seen.closed[0], seen.closed[1].split()[0]) == (1008, "bad_request")
