"""Bridges between WSGI and ASGI, with ours inside, outside and on both sides.

What a test finds lacking here is on docs/servers.md: a test that fails may be good news.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import warnings
from typing import TYPE_CHECKING, Any, Literal, cast

import pytest
from a2wsgi import ASGIMiddleware, WSGIMiddleware
from asgiref.wsgi import WsgiToAsgi

import kaiko_asgi
import kaiko_wsgi
from adapters.asgi.server import Answer, ask
from adapters.wsgi import bridged
from adapters.wsgi.bridged import asgi_service, wsgi_service
from adapters.wsgi.server import ask_wsgi
from kaiko_middleware.conformance import check_answer, check_event_stream
from kaiko_middleware.ids import set_request_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from wsgiref.types import WSGIApplication

    from kaiko_asgi import ASGIApp, Message

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it is deprecated in favour of a2wsgi
    from starlette.middleware.wsgi import WSGIMiddleware as StarlettesMiddleware

Order = Literal["inside", "outside", "both"]
# Each types the two protocols in its own way.
BRIDGES: dict[str, Callable[[Any], Any]] = {
    "a2wsgi": WSGIMiddleware,
    "asgiref": WsgiToAsgi,
    "starlette": StarlettesMiddleware,
}
ORDERS: tuple[Order, ...] = ("inside", "outside", "both")
ERRORS = {"/typed": (409, "conflict"), "/returned": (409, "conflict"), "/bug": (500, "internal")}

each_bridge = pytest.mark.parametrize("bridge", BRIDGES)
each_order = pytest.mark.parametrize("order", ORDERS)


def as_asgi(bridge: str, order: Order) -> ASGIApp:
    """Return the WSGI service as ASGI."""
    inner: WSGIApplication = wsgi_service
    if order != "outside":
        inner = kaiko_wsgi.KaikoMiddleware(wsgi_service)
    bridged_app = cast("ASGIApp", BRIDGES[bridge](inner))
    return bridged_app if order == "inside" else kaiko_asgi.KaikoMiddleware(bridged_app)


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """The event loop in which a2wsgi runs ASGI applications."""
    made = asyncio.new_event_loop()
    thread = threading.Thread(target=made.run_forever)
    thread.start()
    yield made
    made.call_soon_threadsafe(made.stop)
    thread.join()
    made.close()


def as_wsgi(order: Order, loop: asyncio.AbstractEventLoop) -> WSGIApplication:
    """Return the ASGI service as WSGI."""
    inner = asgi_service if order == "outside" else kaiko_asgi.KaikoMiddleware(asgi_service)
    made: Any = ASGIMiddleware(cast("Any", inner), loop=loop)  # it has types of its own
    return cast("WSGIApplication", made if order == "inside" else kaiko_wsgi.KaikoMiddleware(made))


@pytest.fixture(autouse=True)
def _fresh(caplog: pytest.LogCaptureFixture) -> None:
    bridged.seen.clear()
    bridged.arrived.clear()
    caplog.set_level(logging.INFO)


def _check_error(answer: Answer, path: str, caplog: pytest.LogCaptureFixture) -> None:
    """Check that there is one envelope, one record, and one id in both and in the service."""
    assert check_answer(answer.status, answer.headers, answer.body) == []
    status, code = ERRORS[path]
    assert (answer.status, f'"code":"{code}"' in answer.body.decode()) == (status, True)
    assert _ids(caplog) == [answer.id]
    assert bridged.seen == [answer.id]


def _ids(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [
        cast("str", vars(record)["request_id"])
        for record in caplog.records
        if record.name.startswith("kaiko")
    ]


@each_bridge
@each_order
@pytest.mark.parametrize("path", ERRORS)
def test_an_error_of_wsgi(
    bridge: str, order: Order, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    """One envelope, one record, one id: with ours on both sides, over a2wsgi alone."""
    answer = ask(as_asgi(bridge, order), path)
    if order == "both" and bridge != "a2wsgi":  # these tell the inner one nothing
        assert check_answer(answer.status, answer.headers, answer.body) == []
        assert _ids(caplog) == [bridged.seen[0], answer.id]
    else:
        _check_error(answer, path, caplog)
    # asgiref's stops at the length, and so before what is raised at the end.
    handed_on = path == "/bug" and not (bridge == "asgiref" and order != "outside")
    raised = answer.raised
    if isinstance(raised, ExceptionGroup):  # Starlette 1.0 leaves it in its task group's
        (raised,) = raised.exceptions
    assert isinstance(raised, ValueError) is handed_on


@each_bridge
@each_order
def test_a_stream_of_wsgi_that_fails(bridge: str, order: Order) -> None:
    """Events end with the error, and any other stream is cut; the id is there to the end."""
    app = as_asgi(bridge, order)
    events = ask(app, "/events")
    assert events.whole
    assert b"event: error\n" in events.body
    if order != "both" or bridge == "a2wsgi":
        assert check_event_stream(events.body, request_id=events.id) == []
        assert bridged.seen == [events.id, events.id]
    text = ask(app, "/text")
    assert (text.status, text.body, text.whole) == (200, b"data: 1\n\n", False)


@each_bridge
@each_order
def test_a_stream_is_not_kept_back(bridge: str, order: Order) -> None:
    """A chunk is sent before the next one is made."""
    body: list[bytes] = []

    async def send(message: Message) -> None:
        body.append(message.get("body", b""))
        if body[-1]:
            bridged.arrived.set()

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    scope = {
        "type": "http",
        "method": "GET",
        "path": "/slow",
        "query_string": b"",
        "http_version": "1.1",
        "headers": [],
        "root_path": "",
    }

    async def serve() -> None:
        await as_asgi(bridge, order)(scope, receive, send)

    asyncio.run(serve())
    assert b"".join(body) == b"data: 1\n\nin time"


@pytest.mark.parametrize("order", ["inside", "both"])
@pytest.mark.parametrize("path", ERRORS)
def test_an_error_of_asgi(
    order: Order,
    path: str,
    caplog: pytest.LogCaptureFixture,
    loop: asyncio.AbstractEventLoop,
) -> None:
    """One envelope, one record, one id."""
    _check_error(ask_wsgi(as_wsgi(order, loop), path), path, caplog)


@pytest.mark.parametrize("order", ["inside", "both"])
def test_events_of_asgi_that_fail(order: Order, loop: asyncio.AbstractEventLoop) -> None:
    """They end with the error."""
    events = ask_wsgi(as_wsgi(order, loop), "/events")
    assert check_event_stream(events.body, request_id=events.id) == []


def test_ours_outside_of_asgi_comes_too_late(loop: asyncio.AbstractEventLoop) -> None:
    """The bridge answers 500 to a typed error before ours can."""
    answer = ask_wsgi(as_wsgi("outside", loop), "/typed")
    assert check_answer(answer.status, answer.headers, answer.body) == []
    assert answer.status == 500


def test_a_call_in_process_has_its_own_id(loop: asyncio.AbstractEventLoop) -> None:
    """Over a bridge, too, without ours around: the caller's id is another request's."""
    set_request_id("req-0000000001")
    one = ask(as_asgi("a2wsgi", "inside"), "/ok")
    two = ask_wsgi(as_wsgi("inside", loop), "/ok")
    assert bridged.seen == [one.id, two.id]
    assert len({one.id, two.id, "req-0000000001"}) == 3


def test_asgirefs_bridge_closes_no_body() -> None:
    """PEP 3333 wants each to be closed."""
    closed: list[str] = []

    class Body(list[bytes]):
        def close(self) -> None:
            closed.append("body")

    def app(_environ: object, start_response: Any) -> Body:
        start_response("200 OK", [])
        return Body([b"ok"])

    for name, bridge in BRIDGES.items():
        assert ask(cast("ASGIApp", bridge(app))).body == b"ok"
        assert closed == (["body"] if name == "a2wsgi" else [])
        closed.clear()
