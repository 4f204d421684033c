"""Who else must still see it: the log, hooks, test clients; each once, in each arrangement."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Mount, Route, Router, WebSocketRoute
from starlette.testclient import TestClient

from adapters.asgi.apps import error_of, records_of
from adapters.asgi.server import ask, connect
from adapters.starlette.stacks import STACKS, Adopt
from kaiko_middleware import Config, ErrorReport, NotFoundError, ServiceUnavailableError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from starlette.middleware.base import RequestResponseEndpoint
    from starlette.requests import Request
    from starlette.websockets import WebSocket


class Base(BaseHTTPMiddleware):
    """A middleware of the kind that runs what it wraps in a task of its own."""

    async def dispatch(self, request: Request, call_next: RequestResponseEndpoint) -> Response:
        """Pass on."""
        return await call_next(request)


class BugError(Exception):
    """Nobody foresees it."""


def _raises(make: Callable[[], BaseException]) -> Any:
    async def endpoint(_request: Request) -> Response:
        raise make()

    return endpoint


def _sync(_request: Request) -> Response:
    raise BugError("secret")


async def _stream(_request: Request) -> Response:
    async def chunks() -> AsyncIterator[str]:
        yield "data: 1\n\n"
        raise BugError("secret")

    return StreamingResponse(chunks(), media_type="text/event-stream")


async def _cut(_request: Request) -> Response:
    async def chunks() -> AsyncIterator[str]:
        yield "a"
        raise BugError("secret")

    return StreamingResponse(chunks(), media_type="text/plain")


async def _group(_request: Request) -> Response:
    raise ExceptionGroup("g", [BugError("a"), NotFoundError("b")])


async def _socket_bug(websocket: WebSocket) -> None:
    await websocket.accept()
    raise BugError("secret")


_bug = _raises(lambda: BugError("secret"))
MIDDLEWARE: dict[str, list[Middleware]] = {
    "none": [],
    "base": [Middleware(Base)],
    "several": [
        Middleware(CORSMiddleware, allow_origins=["*"]),
        Middleware(GZipMiddleware, minimum_size=1),
        Middleware(Base),
        Middleware(Base),
    ],
}


def make(middleware: str = "none", **others: Any) -> Starlette:
    """Return an application that fails in many ways."""
    return Starlette(
        routes=[
            Route("/bug", _bug),
            Route("/sync", _sync),
            Route("/group", _group),
            Route("/stream", _stream),
            Route("/cut", _cut),
            Route("/typed", _raises(lambda: NotFoundError("no"))),
            Route("/down", _raises(ServiceUnavailableError)),
            Route("/timeout", _raises(TimeoutError)),
            Route("/http", _raises(lambda: HTTPException(404))),
            Route("/http-422", _raises(lambda: HTTPException(422, "no"))),
            Route("/returned", lambda _: JSONResponse({"detail": "no"}, 409)),
            Route("/ok", lambda _: PlainTextResponse("ok")),
            Mount("/router", Router([Route("/bug", _bug)])),
            Mount("/mounted", Starlette(routes=[Route("/bug", _bug)])),
            WebSocketRoute("/ws", _socket_bug),
        ],
        middleware=MIDDLEWARE[middleware],
        **others,
    )


BUGS = ["/bug", "/sync", "/group", "/router/bug", "/mounted/bug"]
FORESEEN = {
    "/typed": ("INFO", 404),
    "/down": ("WARNING", 503),
    "/timeout": ("WARNING", 503),
    "/http": ("INFO", 404),
    "/http-422": ("INFO", 422),
    "/returned": ("INFO", 409),
    "/nowhere": ("INFO", 404),
}

adopted = pytest.mark.parametrize("adopt", STACKS, ids=lambda adopt: adopt.__name__)
between = pytest.mark.parametrize("middleware", MIDDLEWARE)


# --- the log -------------------------------------------------------------------------


@adopted
@between
@pytest.mark.parametrize("path", BUGS)
@pytest.mark.parametrize("reraise", [True, False])
def test_a_bug_is_logged_once(
    adopt: Adopt, middleware: str, path: str, *, reraise: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """At ERROR, with the exception itself, its text compact, and the request's id."""
    caplog.set_level(logging.DEBUG, logger="kaiko")
    answer = ask(adopt(make(middleware), Config(reraise=reraise)), path)
    assert error_of(answer)["code"] == "internal"
    (record,) = records_of(caplog)
    assert record.levelname == "ERROR"
    fields = record.__dict__
    assert (fields["status"], fields["code"], fields["path"]) == (500, "internal", path)
    assert fields["request_id"] == answer.id
    assert record.exc_info
    _, exc, _ = record.exc_info
    assert isinstance(exc, ExceptionGroup if path == "/group" else BugError)
    assert record.exc_text is not None
    assert "BugError" in record.exc_text
    assert (answer.raised is exc) is reraise


@adopted
@between
@pytest.mark.parametrize("path", FORESEEN)
def test_what_was_foreseen_is_logged_once(
    adopt: Adopt, middleware: str, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    """At the level of its status, without a traceback; nothing is raised."""
    caplog.set_level(logging.DEBUG, logger="kaiko")
    answer = ask(adopt(make(middleware), None), path)
    (record,) = records_of(caplog)
    assert (record.levelname, record.__dict__["status"]) == FORESEEN[path]
    assert record.exc_info is None
    assert record.__dict__["request_id"] == answer.id
    assert answer.raised is None


@adopted
def test_a_socket_is_logged_once(adopt: Adopt, caplog: pytest.LogCaptureFixture) -> None:
    """With the id that its close names."""
    seen = connect(adopt(make(), None), "/ws")
    (record,) = records_of(caplog)
    assert seen.closed is not None
    assert seen.closed[1].endswith(record.__dict__["request_id"])
    assert isinstance(seen.raised, BugError)


@adopted
@pytest.mark.parametrize("path", [*BUGS, *FORESEEN])
def test_hooks_hear_of_each_error_once(adopt: Adopt, path: str) -> None:
    """With what was answered, what was behind it, and the id."""
    reports: list[ErrorReport] = []
    app = adopt(make("several"), Config(on_error=[reports.append]))
    answer = ask(app, path)
    (report,) = reports
    assert (report.request_id, report.path, report.method) == (answer.id, path, "GET")
    assert report.unmapped is (path in BUGS)
    assert report.unmapped is (answer.raised is not None)


@adopted
def test_a_hook_that_fails_harms_nothing(adopt: Adopt, caplog: pytest.LogCaptureFixture) -> None:
    """It is logged; the answer goes out, and the other hooks are called."""
    heard: list[object] = []

    def fails(_report: ErrorReport) -> None:
        raise KeyError("hook")

    answer = ask(adopt(make(), Config(on_error=[fails, heard.append])), "/bug")
    assert error_of(answer)["code"] == "internal"
    assert len(heard) == 1
    assert isinstance(answer.raised, BugError)
    assert "hook" in caplog.text


# --- Starlette's test client ---------------------------------------------------------


@adopted
@between
@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_the_test_client_raises_what_nobody_foresaw(
    adopt: Adopt, middleware: str, backend: Any
) -> None:
    """As its users expect; and nothing else."""
    client = TestClient(adopt(make(middleware), None), backend=backend)
    for path in ("/bug", "/sync", "/mounted/bug"):
        with pytest.raises(BugError, match="secret"):
            client.get(path)
    for path, (_, status) in FORESEEN.items():
        assert client.get(path).status_code == status
    assert client.get("/ok").text == "ok"


@adopted
@between
def test_it_reads_the_answer_on_request(adopt: Adopt, middleware: str) -> None:
    """With `raise_server_exceptions=False`, or when exceptions are kept."""
    asking = TestClient(adopt(make(middleware), None), raise_server_exceptions=False)
    keeping = TestClient(adopt(make(middleware), Config(reraise=False)))
    for client in (asking, keeping):
        answer = client.get("/bug")
        assert answer.status_code == 500
        assert answer.json()["error"]["request_id"] == answer.headers["x-request-id"]


@adopted
def test_it_raises_for_a_socket_too(adopt: Adopt) -> None:
    """Leaving the connection raises the exception."""
    client = TestClient(adopt(make(), None))
    with pytest.raises(BugError), client.websocket_connect("/ws"):
        pass


@adopted
def test_it_reads_the_close_of_a_socket(adopt: Adopt) -> None:
    """Where the exception is kept, or else Starlette's client has closed its own end first."""
    from starlette.websockets import WebSocketDisconnect

    client = TestClient(adopt(make(), Config(reraise=False)))
    with client.websocket_connect("/ws") as socket, pytest.raises(WebSocketDisconnect) as closed:
        socket.receive_text()
    assert closed.value.code == 1011
    assert closed.value.reason.startswith("internal req-")


@adopted
def test_it_reads_the_answer_that_denies_a_socket(adopt: Adopt) -> None:
    """A route that nobody knows."""
    from starlette.testclient import WebSocketDenialResponse

    client = TestClient(adopt(make(), None))
    with pytest.raises(WebSocketDenialResponse) as denied, client.websocket_connect("/nowhere"):
        pass
    assert denied.value.status_code == 404
    assert denied.value.json()["error"]["code"] == "not_found"
