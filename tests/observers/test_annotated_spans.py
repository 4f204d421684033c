"""The recipes for OpenTelemetry: `annotate_span`, and the id on every span.

The names are those of OpenTelemetry's semantic conventions for HTTP spans, and `error.type` follows
them: only where the span's status is an error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.http import Http404
from django.test import override_settings
from opentelemetry import trace
from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware
from opentelemetry.instrumentation.django import DjangoInstrumentor
from opentelemetry.instrumentation.wsgi import OpenTelemetryMiddleware as WSGITracing
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import SpanKind, StatusCode
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute

import kaiko_starlette
import kaiko_wsgi
from adapters.asgi.server import ask, connect
from adapters.django.stacks import STACKS, Project, Stack
from adapters.django.test_streams import Streams
from adapters.litestar.observed import make as litestar_of
from adapters.wsgi.server import ask_wsgi
from kaiko_middleware import Config, NotFoundError, ServiceUnavailableError
from kaiko_middleware.report import RepeatableHook
from kaiko_middleware.upstream import Upstream
from kaiko_telemetry.opentelemetry import RequestIdSpanProcessor, annotate_span
from observers.test_opentelemetry import (
    ARRANGEMENTS,
    Arrangement,
    Telemetry,
    add_inside_of_base,
    conventions,
    fastapis_own,
    inside,
    plain,
    wrap,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator
    from wsgiref.types import StartResponse, WSGIEnvironment

__all__ = ["conventions"]

CODE = "kaiko.error.code"
CONFIG = Config(on_error=[annotate_span])
KEPT = Config(on_error=[annotate_span], reraise=False)


class ContextGone(NotFoundError, code="context_gone_from_trace"):
    """The context is gone."""


class BugError(Exception):
    """It has no mapping."""


async def _typed(_request: object) -> Response:
    raise ContextGone


async def _down(_request: object) -> Response:
    error = Upstream("billing").error_from_response(503, {}, b"")
    assert error is not None
    raise error


async def _bug(_request: object) -> Response:
    raise BugError("secret")


async def _http(_request: object) -> Response:
    raise HTTPException(410)


async def _returned(_request: object) -> Response:
    return PlainTextResponse("down", 502)


async def _cut(_request: object) -> Response:
    async def chunks() -> AsyncIterator[str]:
        yield "a"
        raise BugError("late")

    return StreamingResponse(chunks(), media_type="text/plain")


async def _events(_request: object) -> Response:
    async def chunks() -> AsyncIterator[str]:
        yield "data: 1\n\n"
        raise BugError("late")

    return StreamingResponse(chunks(), media_type="text/event-stream")


async def _ok(_request: object) -> Response:
    return PlainTextResponse("ok")


async def _denied(_websocket: object) -> None:
    raise ContextGone


BUG = BugError.__qualname__
EXPECTED: dict[str, tuple[str | None, str | None]] = {
    "/typed": ("context_gone_from_trace", None),
    "/down": ("service_unavailable", "service_unavailable"),
    "/bug": ("internal", BUG),
    "/http": ("gone", None),
    "/returned": ("service_unavailable", "service_unavailable"),
    "/cut": ("internal", BUG),
    "/events": ("internal", BUG),
    "/nowhere": ("not_found", None),
    "/ok": (None, None),
}
"""By path: the code, and `error.type`."""
VIEWS = (_typed, _down, _bug, _http, _returned, _cut, _events, _ok)
ROUTES = [*(Route(f"/{view.__name__[1:]}", view) for view in VIEWS), WebSocketRoute("/ws", _denied)]
OUTSIDE = [
    each
    for each in ARRANGEMENTS
    if each.first == "toolkit" and each.trace is not inside and each.adopt is not wrap
]
"""Where the tracing is outside of our middleware, as it should be."""


def server_span(telemetry: Telemetry) -> Any:
    """Return the one server's span since the last call."""
    spans = [each for each in telemetry.memory.get_finished_spans() if each.kind.name == "SERVER"]
    telemetry.memory.clear()
    (span,) = spans
    return span


def said(span: Any) -> tuple[Any, Any]:
    """Return the code and the type of a span."""
    return span.attributes.get(CODE), span.attributes.get("error.type")


@pytest.mark.parametrize("mode", ["", "http"])
@pytest.mark.parametrize("config", [CONFIG, KEPT], ids=["handed on", "kept"])
@pytest.mark.parametrize("arrangement", OUTSIDE, ids=str)
def test_asgi(
    arrangement: Arrangement, config: Config, mode: str, conventions: Callable[[str], None]
) -> None:
    """Whoever traces, with the old conventions and the new ones."""
    conventions(mode)
    telemetry = Telemetry()
    app = arrangement.make(telemetry if arrangement.trace is fastapis_own else None)
    app.router.routes[:0] = ROUTES
    served = arrangement.trace(arrangement.adopt(app, config), telemetry)
    for path, expected in EXPECTED.items():
        answer = ask(served, path)
        span = server_span(telemetry)
        code, named = said(span)
        # FastAPI's own telemetry has the whole name of the class.
        assert (code, named and named.rpartition(".")[2]) == expected or (
            # A middleware in a task of its own hides from tracing that the stream was cut.
            arrangement.adopt is add_inside_of_base and path in {"/cut", "/events"}
        ), path
        assert span.attributes.get("request_id") == (answer.id if code else None), path
    connect(served, "/ws")
    assert said(server_span(telemetry)) == ("context_gone_from_trace", None)


def test_litestar() -> None:
    """With the plugin, inside of the tracing."""
    telemetry = Telemetry()
    app: Any = OpenTelemetryMiddleware(litestar_of(CONFIG), **telemetry.providers)
    for path, code in (
        ("/typed", "not_found"),
        ("/bug", "internal"),
        ("/down", "service_unavailable"),
    ):
        answer = ask(app, path)
        span = server_span(telemetry)
        assert (said(span)[0], span.attributes["request_id"]) == (code, answer.id)


@pytest.mark.parametrize("mode", ["", "http"])
@pytest.mark.parametrize("config", [CONFIG, KEPT], ids=["handed on", "kept"])
def test_wsgi(config: Config, mode: str, conventions: Callable[[str], None]) -> None:
    """On WSGI, in the call and in the body."""
    conventions(mode)

    def late() -> Iterator[bytes]:
        yield b"a"
        raise BugError("late")

    def app(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path == "/ok":
            start("200 OK", [("Content-Length", "0")])
            return []
        if path == "/cut":
            start("200 OK", [("Content-Type", "text/plain")])
            return late()
        raise {"/typed": ContextGone, "/down": ServiceUnavailableError, "/bug": BugError}[path]

    telemetry = Telemetry()
    served = WSGITracing(kaiko_wsgi.KaikoMiddleware(app, config), **telemetry.providers)
    for path in ("/typed", "/down", "/bug", "/cut", "/ok"):
        answer = ask_wsgi(served, path)
        span = server_span(telemetry)
        assert said(span) == EXPECTED[path], path
        assert span.attributes.get("request_id") == (None if path == "/ok" else answer.id)


def _raises(error: type[Exception]) -> Callable[..., Any]:
    def view(_request: object) -> None:
        raise error("secret")

    return view


@pytest.mark.parametrize("stack", STACKS, ids=lambda stack: str(stack.name))
@pytest.mark.parametrize(
    ("view", "code", "named"),
    [
        (_raises(BugError), "internal", BUG),
        (_raises(Http404), "not_found", "not_found"),  # the instrumentor calls it an error
        (_raises(ContextGone), "context_gone_from_trace", None),
        (_raises(ServiceUnavailableError), "service_unavailable", "service_unavailable"),
    ],
)
def test_django(stack: Stack, view: Any, code: str, named: str | None) -> None:
    """Django's instrumentor, which puts itself before ours."""
    project = Project(view, settings={"KAIKO_MIDDLEWARE": {"on_error": [annotate_span]}})
    telemetry = Telemetry()
    instrumentor: Any = DjangoInstrumentor()
    with override_settings(**project.all_settings()):
        instrumentor.instrument(middleware_position=0, **telemetry.providers)
        try:
            answer = stack.ask_app(stack.make())
        finally:
            instrumentor.uninstrument()
    span = server_span(telemetry)
    assert (said(span), span.attributes["request_id"]) == ((code, named), answer.id)


@pytest.mark.parametrize("stack", STACKS, ids=lambda stack: str(stack.name))
def test_stream_of_django(stack: Stack) -> None:
    """Tracing around Django sees a stream fail; the instrumentor's span ends before a stream."""
    view = Streams(BugError, b"data: 1\n\n", kind="text/event-stream")
    project = Project(view, settings={"KAIKO_MIDDLEWARE": {"on_error": [annotate_span]}})
    telemetry = Telemetry()
    with override_settings(**project.all_settings()):
        tracing: Any = OpenTelemetryMiddleware if stack.asgi else WSGITracing
        answer = stack.ask_app(tracing(stack.make(), **telemetry.providers))
    span = server_span(telemetry)
    assert (said(span), span.attributes["request_id"]) == (("internal", BUG), answer.id)


def test_nothing_without_tracing() -> None:
    """Without a span the answer is the same, and nothing is logged but the error."""
    app = Starlette(routes=ROUTES)
    kaiko_starlette.install(app, CONFIG)
    assert ask(app, "/down").status == 503


def test_span_that_is_not_sampled() -> None:
    """It records nothing."""
    app = Starlette(routes=ROUTES)
    kaiko_starlette.install(app, CONFIG)
    provider = TracerProvider(sampler=ALWAYS_OFF)
    traced: Any = OpenTelemetryMiddleware(app, tracer_provider=provider)
    assert ask(traced, "/bug").status == 500


@pytest.mark.parametrize("kind", [SpanKind.CLIENT, SpanKind.PRODUCER, SpanKind.CONSUMER])
def test_span_of_a_caller_in_this_process_is_left_alone(kind: SpanKind) -> None:
    """A service that calls another one in process has a client's span around it."""
    telemetry = Telemetry()
    tracer = telemetry.providers["tracer_provider"].get_tracer("test")
    app = Starlette(routes=ROUTES)
    kaiko_starlette.install(app, CONFIG)
    with tracer.start_as_current_span("call", kind=kind):
        ask(app, "/down")
    (span,) = telemetry.memory.get_finished_spans()
    assert span.attributes == {}


@pytest.mark.parametrize("failed", [True, False])
def test_span_around_a_call_is_named_if_it_failed(*, failed: bool) -> None:
    """A span of the service's own has `error.type` only if its status is an error."""
    telemetry = Telemetry()
    tracer = telemetry.providers["tracer_provider"].get_tracer("test")
    app = Starlette(routes=ROUTES)
    kaiko_starlette.install(app, CONFIG)
    with tracer.start_as_current_span("call") as own:
        ask(app, "/down")
        if failed:
            own.set_status(StatusCode.ERROR)
    (span,) = telemetry.memory.get_finished_spans()
    assert said(span) == ("service_unavailable", "service_unavailable" if failed else None)


def test_type_that_is_there_is_kept() -> None:
    """An instrumentation's class of an exception says more than a code."""
    telemetry = Telemetry()
    tracer = telemetry.providers["tracer_provider"].get_tracer("test")
    app = Starlette(routes=ROUTES)
    kaiko_starlette.install(app, CONFIG)
    with tracer.start_as_current_span("GET", kind=SpanKind.SERVER) as own:
        own.set_attribute("error.type", "shop.SoldOut")
        ask(app, "/down")
        own.set_status(StatusCode.ERROR)
    (span,) = telemetry.memory.get_finished_spans()
    assert said(span) == ("service_unavailable", "shop.SoldOut")


def test_span_of_another_library() -> None:
    """A span without a kind and attributes is left alone."""

    class Odd(trace.NonRecordingSpan):
        def is_recording(self) -> bool:
            return True

    context = trace.SpanContext(1, 1, is_remote=False)
    app = Starlette(routes=ROUTES)
    kaiko_starlette.install(app, CONFIG)
    with trace.use_span(Odd(context)):
        assert ask(app, "/down").status == 503


def test_hook_beside_others(caplog: pytest.LogCaptureFixture) -> None:
    """A repeatable hook that fails is logged, and others are called once."""
    called: list[str] = []

    class Failing(RepeatableHook):
        pass

    app = Starlette(routes=ROUTES)
    config = Config(on_error=[Failing(), lambda report: called.append(report.error.code)])
    kaiko_starlette.install(app, config)
    assert ask(app, "/bug").status == 500
    assert called == ["internal"]
    failures = [each for each in caplog.records if "hook Failing failed" in each.getMessage()]
    assert [type((each.exc_info or (None, None))[1]) for each in failures] == [
        NotImplementedError,
        NotImplementedError,
    ]


class TestRequestIdSpanProcessor:
    """The id on every span of a request."""

    @pytest.fixture
    def telemetry(self) -> Telemetry:
        """Spans with the id."""
        telemetry = Telemetry()
        telemetry.providers["tracer_provider"].add_span_processor(RequestIdSpanProcessor())
        return telemetry

    @pytest.mark.parametrize("path", ["/ok", "/typed"])
    def test_every_span_of_a_request(self, telemetry: Telemetry, path: str) -> None:
        """The server's span has it from the first span inside; ASGI's tracing has some."""
        app = Starlette(routes=ROUTES)
        kaiko_starlette.install(app)
        answer = ask(OpenTelemetryMiddleware(app, **telemetry.providers), path)
        spans = {each.name: each for each in telemetry.memory.get_finished_spans()}
        assert len(spans) > 1
        sent = [each for name, each in spans.items() if "receive" not in name]
        assert [(each.attributes or {}).get("request_id") for each in sent] == [answer.id] * len(
            sent
        )

    def test_not_outside_of_a_request(self, telemetry: Telemetry) -> None:
        """A span of a job has no id."""
        tracer = telemetry.providers["tracer_provider"].get_tracer("test")
        with tracer.start_as_current_span("job"), tracer.start_as_current_span("step"):
            pass
        assert [each.attributes for each in telemetry.memory.get_finished_spans()] == [{}, {}]

    @pytest.mark.parametrize("kind", [SpanKind.SERVER, SpanKind.INTERNAL])
    def test_parent(self, telemetry: Telemetry, kind: SpanKind) -> None:
        """Only a server's span gets the id from a span inside, and keeps one that it has."""
        tracer = telemetry.providers["tracer_provider"].get_tracer("test")

        async def app(scope: Any, receive: Any, send: Any) -> None:
            with tracer.start_as_current_span("inner"):
                await plain(scope, receive, send)

        from kaiko_asgi import KaikoMiddleware

        with tracer.start_as_current_span("outer", kind=kind):
            first = ask(KaikoMiddleware(app), "/ok")
            ask(KaikoMiddleware(app), "/ok")
        *_, outer = telemetry.memory.get_finished_spans()
        expected = {"request_id": first.id} if kind is SpanKind.SERVER else {}
        assert outer.attributes == expected

    def test_parent_of_another_process(self, telemetry: Telemetry) -> None:
        """A span that only its ids are known of has no attributes."""
        tracer = telemetry.providers["tracer_provider"].get_tracer("test")

        async def app(scope: Any, receive: Any, send: Any) -> None:
            with tracer.start_as_current_span("inner"):
                await plain(scope, receive, send)

        from kaiko_asgi import KaikoMiddleware

        sampled = trace.TraceFlags(trace.TraceFlags.SAMPLED)
        context = trace.SpanContext(1, 1, is_remote=True, trace_flags=sampled)
        with trace.use_span(trace.NonRecordingSpan(context)):
            answer = ask(KaikoMiddleware(app), "/ok")
        (span,) = telemetry.memory.get_finished_spans()
        assert (span.attributes or {})["request_id"] == answer.id


@pytest.mark.parametrize("path", ["/ok", "/typed", "/bug"])
def test_header_on_every_servers_span(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the page says: OpenTelemetry's own setting captures the id of successes as well."""
    monkeypatch.setenv("OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_RESPONSE", "X-Request-ID")
    telemetry = Telemetry()
    app = Starlette(routes=ROUTES)
    kaiko_starlette.install(app)
    answer = ask(OpenTelemetryMiddleware(app, **telemetry.providers), path)
    attributes = server_span(telemetry).attributes
    assert attributes["http.response.header.x_request_id"] == (answer.id,)
