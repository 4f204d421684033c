"""Another protocol's error on its way out: in parts, in two layers, with an exception behind it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.testclient import TestClient

from adapters.asgi.apps import body, error_of, fail, kaiko, said, sends, start, streams
from adapters.asgi.server import ask, connect
from kaiko_middleware import Config
from kaiko_starlette import install

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from kaiko_asgi import Receive, Scope, Send

RPC = b'{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"no order 7"}}'
FAULT = b'<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"><e:Body/></e:Envelope>'


@pytest.mark.parametrize("sent", [RPC, FAULT], ids=["JSON", "XML"])
@pytest.mark.parametrize(
    "kind", [b"application/json", b"application/soap+xml", b"text/xml", b"application/x-own", None]
)
def test_it_may_come_in_parts(sent: bytes, kind: bytes | None) -> None:
    """Whatever its type says: by its shape it is known."""
    fields = [(b"content-type", kind)] if kind else []
    parts = [body(more=True), body(sent[:5], more=True), body(sent[5:], more=True), body()]
    answer = ask(kaiko(sends(start(400, fields), *parts)))
    assert (answer.status, answer.body, answer.whole) == (400, sent, True)
    assert answer.all("content-type") == ([kind.decode()] if kind else [])
    assert answer.id


def test_one_without_end_is_an_envelope() -> None:
    """No more of it is kept than 64 KiB."""
    parts = [body(RPC[:-1], more=True), *[body(b" " * 1000, more=True)] * 70, body(b"}")]
    assert error_of(ask(kaiko(sends(start(400), *parts))))["code"] == "bad_request"


def test_one_that_fails_half_way_is_an_envelope() -> None:
    """What is raised is answered: nothing was sent yet."""

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send(start(400))
        await send(body(RPC[:9], more=True))
        await fail()

    assert error_of(ask(kaiko(app)))["code"] == "internal"


def test_what_is_raised_after_it_is_late(caplog: pytest.LogCaptureFixture) -> None:
    """It is out, and whole: one record for each of the two."""
    caplog.set_level(logging.INFO)

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send(start(400))
        await send(body(RPC))
        await fail()

    answer = ask(kaiko(app))
    assert (answer.body, answer.whole) == (RPC, True)
    kept, late = caplog.records
    assert vars(kept)["protocol"] == "JSON-RPC"
    assert late.levelname == "ERROR"


def test_two_layers_report_it_once(caplog: pytest.LogCaptureFixture) -> None:
    """The outer one knows that it was."""
    caplog.set_level(logging.INFO)
    answer = ask(kaiko(kaiko(sends(start(404), body(RPC)))))
    assert (answer.status, answer.body) == (404, RPC)
    assert answer.id
    assert len(said(caplog)) == 1


def test_a_refused_socket_has_it_as_well() -> None:
    """Where the server lets an answer take the place of the handshake."""
    denial = connect(
        kaiko(
            sends(
                {"type": "websocket.http.response.start", "status": 404, "headers": []},
                {"type": "websocket.http.response.body", "body": RPC},
            )
        )
    ).denial
    assert denial is not None
    assert (denial.status, denial.body) == (404, RPC)
    assert denial.id


def test_in_an_event_stream_nothing_changes() -> None:
    """Its status is a success: what fails in it ends it as ever."""
    answer = ask(kaiko(streams(b"data: 1\n\n", fail, kind=b"text/event-stream")))
    assert b"event: error" in answer.body


async def raising(_request: Request) -> Response:
    """Fail."""
    raise LookupError


async def returning(_request: Request) -> Response:
    """Return an error of JSON-RPC."""
    return JSONResponse(
        {"jsonrpc": "2.0", "id": 7, "error": {"code": 1, "message": "x" * 600}}, 400
    )


async def handle(_request: Request, _exc: Exception) -> Response:
    """Answer a bug by JSON-RPC."""
    return JSONResponse({"jsonrpc": "2.0", "error": {"code": -32603, "message": "x"}}, 500)


def test_the_services_own_handler_may_speak_another_protocol(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What it makes of a bug goes out, and the bug is reported once, with its traceback."""
    app = Starlette(routes=[Route("/", raising)], exception_handlers={Exception: handle})
    install(app)
    got = TestClient(app, raise_server_exceptions=False).get("/")
    assert (got.status_code, got.json()["error"]["code"]) == (500, -32603)
    assert got.headers["x-request-id"]
    [record] = [record for record in caplog.records if record.name.startswith("kaiko")]
    assert record.levelname == "ERROR"
    assert record.exc_info is not None


@pytest.mark.parametrize("mounted", [False, True])
def test_what_other_middleware_does_to_it_stays(*, mounted: bool) -> None:
    """It may be compressed, and a browser may read its id."""
    around = [
        Middleware(GZipMiddleware, minimum_size=10),
        Middleware(CORSMiddleware, allow_origins=["*"], expose_headers=["X-Own"]),
    ]
    routes: list[BaseRoute] = [Route("/", returning)]
    if mounted:
        inner = Starlette(routes=routes)
        install(inner)
        routes = [Mount("/", inner)]
    app = Starlette(routes=routes, middleware=around)
    install(app)
    got = TestClient(app).get("/", headers={"Origin": "https://shop.test"})
    assert (got.status_code, got.json()["id"]) == (400, 7)
    # A layer of ours outside takes what it knows from an inner one, in the inner one's bytes.
    assert ("content-encoding" in got.headers) is not mounted
    exposed = got.headers["access-control-expose-headers"].split(", ")
    assert {"X-Own", "X-Request-ID"} <= set(exposed)


def test_a_parent_decides_for_what_it_mounts() -> None:
    """It may want envelopes of everything."""
    app = kaiko(sends(start(404), body(RPC)), Config(keep_protocol_errors=False))
    assert error_of(ask(app))["message"] == "no order 7"
