"""The ids of the current trace on log records, ours and others', and on structlog's events.

The names are those of OpenTelemetry's specification of trace context in non-OTLP log formats.
"""

from __future__ import annotations

import json
import logging
from io import StringIO
from typing import TYPE_CHECKING, Any

import pytest
from django.test import override_settings
from opentelemetry import trace
from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware
from opentelemetry.instrumentation.django import DjangoInstrumentor
from opentelemetry.instrumentation.wsgi import OpenTelemetryMiddleware as WSGITracing
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from starlette.applications import Starlette
from starlette.routing import Route

import kaiko_starlette
import kaiko_wsgi
from adapters.asgi.server import ask, connect
from adapters.django.stacks import STACKS, Project, Stack
from adapters.wsgi.server import ask_wsgi
from kaiko_middleware import Config, JsonFormatter, RequestIdFilter
from kaiko_telemetry.opentelemetry import TraceContextFilter, add_trace_context
from observers.test_annotated_spans import OUTSIDE, ROUTES, BugError, _bug, server_span
from observers.test_opentelemetry import Arrangement, Telemetry, by_framework, fastapis_own

if TYPE_CHECKING:
    from collections.abc import Iterator
    from wsgiref.types import StartResponse, WSGIEnvironment


class Lines:
    """What a JSON handler writes."""

    def __init__(self) -> None:
        self.stream = StringIO()

    def take(self) -> list[dict[str, Any]]:
        """Return the records since the last call."""
        lines = self.stream.getvalue().splitlines()
        self.stream.seek(0)
        self.stream.truncate()
        return [json.loads(line) for line in lines]


@pytest.fixture
def lines() -> Iterator[Lines]:
    """The records of `kaiko` as JSON, with trace ids."""
    written = Lines()
    handler = logging.StreamHandler(written.stream)
    handler.addFilter(RequestIdFilter())
    handler.addFilter(TraceContextFilter(default=None))
    handler.setFormatter(JsonFormatter())
    logger = logging.getLogger("kaiko")
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield written
    logger.removeHandler(handler)
    logger.setLevel(level)


def ids_of(span: Any) -> dict[str, str]:
    """Return what a record in this span has."""
    context = span.get_span_context()
    return {
        "trace_id": trace.format_trace_id(context.trace_id),
        "span_id": trace.format_span_id(context.span_id),
        "trace_flags": f"0{int(context.trace_flags)}",
    }


def said(record: dict[str, Any]) -> dict[str, Any]:
    """Return what a record says of a trace."""
    return {name: record[name] for name in ("trace_id", "span_id", "trace_flags") if name in record}


PATHS = ("/typed", "/down", "/bug", "/http", "/returned", "/nowhere", "/cut", "/events")


@pytest.mark.parametrize("reraise", [True, False])
@pytest.mark.parametrize("arrangement", OUTSIDE, ids=str)
def test_asgi(arrangement: Arrangement, lines: Lines, *, reraise: bool) -> None:
    """Our record has the server's span, handed on or not, and also where that has ended."""
    telemetry = Telemetry()
    app = arrangement.make(telemetry if arrangement.trace is fastapis_own else None)
    app.router.routes[:0] = ROUTES
    served = arrangement.trace(arrangement.adopt(app, Config(reraise=reraise)), telemetry)
    for path in PATHS:
        answer = ask(served, path)
        (record,) = lines.take()
        assert said(record) == ids_of(server_span(telemetry)), path
        assert record["request_id"] == answer.id
    connect(served, "/ws")
    (record,) = lines.take()
    assert said(record) == ids_of(server_span(telemetry))


def test_span_of_an_exception_is_not_that_of_the_next_request(lines: Lines) -> None:
    """Each record has the span of its own request."""
    telemetry = Telemetry()
    app = Starlette(routes=ROUTES)
    kaiko_starlette.install(app)
    served: Any = by_framework(app, telemetry)
    for path in ("/bug", "/nowhere"):
        ask(served, path)
        (record,) = lines.take()
        assert said(record) == ids_of(server_span(telemetry))


def test_handler_of_the_service(lines: Lines) -> None:
    """The record of an answer by the service's own handler of `Exception` has the ids, too."""
    from starlette.responses import PlainTextResponse

    async def own(_request: object, _exc: Exception) -> PlainTextResponse:
        return PlainTextResponse("sorry", 500)

    telemetry = Telemetry()
    app = Starlette(routes=[Route("/bug", _bug)], exception_handlers={Exception: own})
    kaiko_starlette.install(app)
    ask(by_framework(app, telemetry), "/bug")
    (record,) = lines.take()
    assert said(record) == ids_of(server_span(telemetry))


@pytest.mark.parametrize("stack", STACKS, ids=lambda stack: str(stack.name))
@pytest.mark.parametrize("where", ["/x", "/nowhere"])
def test_django(stack: Stack, where: str, lines: Lines) -> None:
    """With Django's instrumentor, which puts itself before ours."""

    def view(_request: object) -> None:
        raise BugError

    telemetry = Telemetry()
    instrumentor: Any = DjangoInstrumentor()
    with override_settings(**Project(view).all_settings()):
        instrumentor.instrument(middleware_position=0, **telemetry.providers)
        try:
            stack.ask_app(stack.make(), where)
        finally:
            instrumentor.uninstrument()
    (record,) = lines.take()
    assert said(record) == ids_of(server_span(telemetry))


def test_wsgi(lines: Lines) -> None:
    """In the call of a WSGI application."""

    def app(_environ: WSGIEnvironment, _start: StartResponse) -> Any:
        raise BugError

    telemetry = Telemetry()
    ask_wsgi(WSGITracing(kaiko_wsgi.KaikoMiddleware(app), **telemetry.providers), "/x")
    (record,) = lines.take()
    assert said(record) == ids_of(server_span(telemetry))


def test_trace_that_is_not_sampled(lines: Lines) -> None:
    """It has ids, by which what was sampled elsewhere is found, and its flags say so."""
    app = Starlette(routes=ROUTES)
    kaiko_starlette.install(app)
    traced: Any = OpenTelemetryMiddleware(app, tracer_provider=TracerProvider(sampler=ALWAYS_OFF))
    ask(traced, "/bug")
    (record,) = lines.take()
    assert int(record["trace_flags"], 16) & trace.TraceFlags.SAMPLED == 0
    assert int(record["trace_id"], 16) > 0


def test_no_trace(lines: Lines) -> None:
    """Without a span there are no members."""
    app = Starlette(routes=ROUTES)
    kaiko_starlette.install(app)
    ask(app, "/bug")
    (record,) = lines.take()
    assert said(record) == {}


def test_filter() -> None:
    """A text formatter finds all three at any time, and what a record has is kept."""
    record = logging.makeLogRecord({"msg": "m"})
    assert TraceContextFilter().filter(record)
    text = logging.Formatter("%(trace_id)s %(span_id)s %(trace_flags)s").format(record)
    assert text == "- - -"
    record = logging.makeLogRecord({"msg": "m", "trace_id": "theirs"})
    context = trace.SpanContext(0xABC, 0xD, is_remote=False)
    with trace.use_span(trace.NonRecordingSpan(context)):
        TraceContextFilter("none").filter(record)
        assert not hasattr(record, "span_id")
        record = logging.makeLogRecord({"msg": "m"})
        TraceContextFilter().filter(record)
    assert vars(record)["trace_id"] == "00000000000000000000000000000abc"
    assert vars(record)["span_id"] == "000000000000000d"
    assert vars(record)["trace_flags"] == "00"


def test_processor_of_structlog() -> None:
    """An event has the same names, if there is a span, and keeps its own."""
    assert add_trace_context(None, "info", {"event": "sold"}) == {"event": "sold"}
    context = trace.SpanContext(0xABC, 0xD, is_remote=False, trace_flags=trace.TraceFlags(1))
    with trace.use_span(trace.NonRecordingSpan(context)):
        event = add_trace_context(None, "info", {"event": "sold"})
        theirs = add_trace_context(None, "info", {"trace_id": "theirs"})
    assert event == {
        "event": "sold",
        "trace_id": "00000000000000000000000000000abc",
        "span_id": "000000000000000d",
        "trace_flags": "01",
    }
    assert theirs == {"trace_id": "theirs"}
