"""OpenTelemetry sees with the toolkit what it sees without: whoever traces, inside and outside.

Each test asks everything of an application, without the toolkit and with it, and compares the
server's spans and the durations.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from django.http import Http404, HttpResponse
from django.test import override_settings
from fastapi import FastAPI
from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware
from opentelemetry.instrumentation.django import DjangoInstrumentor
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.instrumentation.starlette import StarletteInstrumentor
from opentelemetry.instrumentation.wsgi import OpenTelemetryMiddleware as WSGITracing
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode, get_current_span
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute

import kaiko_fastapi
import kaiko_starlette
import kaiko_wsgi
from adapters.asgi.server import ask, connect
from adapters.django.stacks import BARE, STACKS, Project, Stack
from adapters.django.test_streams import Streams
from adapters.fastapi.ways import FEATURES
from adapters.wsgi.server import ask_wsgi
from kaiko_asgi import KaikoMiddleware
from kaiko_middleware import Config

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from starlette.websockets import WebSocket

    from kaiko_asgi import ASGIApp, Receive, Scope, Send

    Trace = Callable[[Any, "Telemetry"], ASGIApp]
    Adopt = Callable[[Any, Config], ASGIApp]


class BugError(Exception):
    """It has no mapping."""


class Span(NamedTuple):
    """What is compared of a server's span."""

    path: str
    failed: bool
    description: str | None
    exceptions: list[str]
    error_type: str | None


class Telemetry:
    """Where spans and metrics go."""

    def __init__(self) -> None:
        self.memory = InMemorySpanExporter()
        tracers = TracerProvider()
        tracers.add_span_processor(SimpleSpanProcessor(self.memory))
        self.reader = InMemoryMetricReader()
        self.providers: dict[str, Any] = {
            "tracer_provider": tracers,
            "meter_provider": MeterProvider([self.reader]),
        }

    def spans(self, path: str) -> list[Span]:
        """Return the server's spans since the last call."""
        found = [
            Span(
                path,
                span.status.status_code.name == "ERROR",
                span.status.description,
                [
                    str((event.attributes or {})["exception.type"])
                    for event in span.events
                    if event.name == "exception"
                ],
                _text((span.attributes or {}).get("error.type")),
            )
            for span in self.memory.get_finished_spans()
            if span.kind.name == "SERVER"
        ]
        self.memory.clear()
        return found

    def durations(self) -> set[str]:
        """Return the types of errors among the durations of requests."""
        data: Any = self.reader.get_metrics_data()
        return {
            str(point.attributes["error.type"])
            for resource in data.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
            if "duration" in metric.name
            for point in metric.data.data_points
            if "error.type" in point.attributes
        }


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def assert_not_less(ours: list[Span], bare: list[Span]) -> None:
    """Check that each span with the toolkit has what the span without has, and nothing twice."""
    assert len(ours) == len(bare)
    for mine, theirs in zip(ours, bare, strict=True):
        assert mine.failed or not theirs.failed, mine
        assert mine.description == theirs.description or theirs.description is None, mine
        assert set(mine.exceptions) >= set(theirs.exceptions), mine
        assert mine.exceptions == theirs.exceptions or len(mine.exceptions) == 1, mine
        assert mine.error_type == theirs.error_type or theirs.error_type is None, mine


async def _bug(_request: object = None) -> Response:
    raise BugError("secret")


async def _group(_request: object) -> Response:
    raise ExceptionGroup("several", [BugError("one"), ValueError("two")])


async def _down(_request: object) -> Response:
    return PlainTextResponse("down", 503)


async def _ok(_request: object) -> Response:
    return PlainTextResponse("ok")


async def _events(_request: object) -> Response:
    async def chunks() -> AsyncIterator[str]:
        yield "data: 1\n\n"
        raise BugError("late")

    return StreamingResponse(chunks(), media_type="text/event-stream")


async def _background(_request: object) -> Response:
    return PlainTextResponse("ok", background=BackgroundTask(_bug))


async def _socket(websocket: WebSocket) -> None:
    await websocket.accept()
    raise BugError("secret")


PATHS = {
    "/bug": _bug,
    "/group": _group,
    "/down": _down,
    "/ok": _ok,
    "/events": _events,
    "/background": _background,
}
ROUTES = [*(Route(path, view) for path, view in PATHS.items()), WebSocketRoute("/ws", _socket)]


async def plain(scope: Scope, receive: Receive, send: Send) -> None:
    """Be an application without a framework; it has no handlers of exceptions."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
        raise BugError("secret")
    response = await PATHS[scope["path"]](None)
    await response(scope, receive, send)


def make_plain(_telemetry: Telemetry | None, **_how: Any) -> ASGIApp:
    return plain


def make_starlette(_telemetry: Telemetry | None, **how: Any) -> Starlette:
    return Starlette(routes=ROUTES, **how)


def make_fastapi(telemetry: Telemetry | None, **how: Any) -> FastAPI:
    if FEATURES["telemetry"]:
        none = {"tracing": False, "metrics": False, "logs": False}
        how["telemetry"] = none if telemetry is None else telemetry.providers
    app = FastAPI(**how)
    app.router.routes += ROUTES
    return app


def by_framework(app: Starlette, telemetry: Telemetry) -> ASGIApp:
    """Instrument the application as its framework's instrumentor does."""
    instrumentor: Any = FastAPIInstrumentor if isinstance(app, FastAPI) else StarletteInstrumentor
    instrumentor.instrument_app(app, **telemetry.providers)
    return app


def around(app: ASGIApp, telemetry: Telemetry) -> ASGIApp:
    """Wrap the application in the tracing middleware."""
    traced: Any = OpenTelemetryMiddleware(app, **telemetry.providers)
    return traced  # type: ignore[no-any-return]  # it has no types


def inside(app: Starlette, telemetry: Telemetry) -> ASGIApp:
    """Add the tracing middleware by hand, innermost."""
    app.user_middleware.append(Middleware(OpenTelemetryMiddleware, **telemetry.providers))
    return app


def fastapis_own(app: ASGIApp, _telemetry: Telemetry) -> ASGIApp:
    """Leave it to FastAPI's own telemetry."""
    return app


def nothing(app: ASGIApp, _config: Config) -> ASGIApp:
    return app


def install(app: Starlette, config: Config) -> ASGIApp:
    if isinstance(app, FastAPI):
        kaiko_fastapi.install(app, config)
    else:
        kaiko_starlette.install(app, config)
    return app


def add(app: Starlette, config: Config) -> ASGIApp:
    app.add_middleware(KaikoMiddleware, config=config)
    return app


def add_inside_of_base(app: Starlette, config: Config) -> ASGIApp:
    """Add the middleware inside of one that runs it in a task of its own."""
    app.add_middleware(KaikoMiddleware, config=config)
    app.add_middleware(BaseHTTPMiddleware, dispatch=_pass_on)
    return app


def only_base(app: Starlette, _config: Config) -> ASGIApp:
    """Add that other middleware alone, which hides what an old release of it hides."""
    app.add_middleware(BaseHTTPMiddleware, dispatch=_pass_on)
    return app


async def _pass_on(request: Any, call_next: Any) -> Any:
    return await call_next(request)


def wrap(app: ASGIApp, config: Config) -> ASGIApp:
    return KaikoMiddleware(app, config)


def _name(function: object) -> str:
    return str(getattr(function, "__name__", ""))


class Arrangement(NamedTuple):
    """An application, what traces it, and how the toolkit is added."""

    make: Callable[..., Any]
    trace: Trace
    adopt: Adopt
    first: str
    """What is there first: the tracing or the toolkit."""

    def __str__(self) -> str:
        return "-".join([*(_name(each) for each in self[:3]), self.first])

    def without(self) -> Adopt:
        """Return what is done to the application when the toolkit is left out."""
        return only_base if self.adopt is add_inside_of_base else nothing

    def observe(self, config: Config, *, bare: bool, **how: Any) -> tuple[list[Span], set[str]]:
        """Return the spans and the types of errors of one application."""
        telemetry = Telemetry()
        app = self.make(telemetry if self.trace is fastapis_own else None, **how)
        adopt = self.without() if bare else self.adopt
        if self.first == "toolkit":
            served = self.trace(adopt(app, config), telemetry)
        else:
            served = adopt(self.trace(app, telemetry), config)
        spans: list[Span] = []
        for path in PATHS:
            ask(served, path)
            spans += telemetry.spans(path)
        connect(served, "/ws")
        return [*spans, *telemetry.spans("/ws")], telemetry.durations()


_TRACES: dict[Any, list[Any]] = {
    make_starlette: [by_framework, around, inside],
    make_fastapi: [by_framework, around, inside],
}
if FEATURES["telemetry"]:
    _TRACES[make_fastapi].append(fastapis_own)
ARRANGEMENTS = [
    Arrangement(make_plain, around, wrap, "toolkit"),
    Arrangement(make_plain, around, wrap, "tracing"),
    *(
        Arrangement(make, trace, adopt, first)
        for make, traces in _TRACES.items()
        for trace, adopt, first in product(
            traces, (install, add, add_inside_of_base, wrap), ("toolkit", "tracing")
        )
        # Only an application can be installed on, and only that can be instrumented.
        if not (adopt is wrap and first == "toolkit" and trace is not around)
        and not (adopt is not wrap and first == "tracing" and trace is around)
    ),
]


async def _own(_request: object, _exc: Exception) -> Response:
    return PlainTextResponse("sorry", 500)


HOW: dict[str, tuple[Config, dict[str, Any]]] = {
    "handed on": (Config(), {}),
    "kept": (Config(reraise=False), {}),
    "kept, with the service's handler": (
        Config(reraise=False),
        {"exception_handlers": {Exception: _own}},
    ),
    "debug": (Config(), {"debug": True}),
}


@pytest.mark.parametrize("arrangement", ARRANGEMENTS, ids=str)
@pytest.mark.parametrize("how", HOW)
def test_asgi(arrangement: Arrangement, how: str) -> None:
    """Every server's span, and every type of error among the durations, is there with us."""
    config, options = HOW[how]
    bare, types = arrangement.observe(config, bare=True, **options)
    spans, ours = arrangement.observe(config, bare=False, **options)
    assert_not_less(spans, bare)
    assert ours >= types


def _wsgi_bug(_environ: WSGIEnvironment, _start: StartResponse) -> Iterable[bytes]:
    raise BugError("secret")


def _wsgi_events(_environ: WSGIEnvironment, start: StartResponse) -> Iterator[bytes]:
    start("200 OK", [("Content-Type", "text/event-stream")])
    yield b"data: 1\n\n"
    raise BugError("late")


@pytest.fixture
def conventions() -> Iterator[Callable[[str], None]]:
    """Set the semantic conventions, which are read once a process."""
    from opentelemetry.instrumentation import _semconv

    stability: Any = _semconv._OpenTelemetrySemanticConventionStability

    def use(mode: str) -> None:
        patch.setenv("OTEL_SEMCONV_STABILITY_OPT_IN", mode)
        patch.setattr(stability, "_initialized", False)
        patch.setattr(stability, "_OTEL_SEMCONV_STABILITY_SIGNAL_MAPPING", {})

    with pytest.MonkeyPatch.context() as patch:
        yield use


@pytest.mark.parametrize("mode", ["", "http", "http/dup"])
@pytest.mark.parametrize("app", [_wsgi_bug, _wsgi_events])
@pytest.mark.parametrize("reraise", [True, False])
def test_wsgi(
    app: WSGIApplication, mode: str, conventions: Callable[[str], None], *, reraise: bool
) -> None:
    """On WSGI as well, with the old conventions and the new ones."""
    conventions(mode)
    telemetry = Telemetry()
    spans: list[list[Span]] = []
    for each in (kaiko_wsgi.KaikoMiddleware(app, Config(reraise=reraise)), app):
        ask_wsgi(WSGITracing(each, **telemetry.providers), "/x")
        spans.append(telemetry.spans("/x"))
    assert_not_less(*spans)


@pytest.mark.parametrize("status", ["200 OK", "503 Service Unavailable"])
@pytest.mark.parametrize("bare", [True, False])
def test_span_of_a_context(status: str, *, bare: bool) -> None:
    """A span that ends with the application's call has the status, as Flask's instrumentor wants.

    The instrumentor is around what Flask calls, and so around ours.
    """
    telemetry = Telemetry()
    tracer = telemetry.providers["tracer_provider"].get_tracer("flask")

    def app(_environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        with tracer.start_as_current_span("GET /x", kind=SpanKind.SERVER):
            start(status, [("Content-Type", "text/plain")])
            return [b"told"]

    inner = app if bare else kaiko_wsgi.KaikoMiddleware(app)

    def instrumented(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        def start_response(status: str, *rest: Any) -> Any:
            get_current_span().set_status(StatusCode.ERROR, status)
            return start(status, *rest)

        return inner(environ, start_response)

    ask_wsgi(instrumented, "/x")
    (span,) = telemetry.spans("/x")
    assert span.description == status


def _raises(error: type[Exception]) -> Callable[..., HttpResponse]:
    def view(_request: object) -> HttpResponse:
        raise error("secret")

    return view


VIEWS: dict[str, Callable[..., object]] = {
    "bug": _raises(BugError),
    "absent": _raises(Http404),
    "fails first": Streams(BugError),
    "fails later": Streams(BugError, b"a"),
    "events": Streams(BugError, b"data: 1\n\n", kind="text/event-stream"),
}


@pytest.mark.parametrize("stack", STACKS, ids=lambda stack: str(stack.name))
@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("position", ["first", "last", "around"])
def test_django(stack: Stack, view: str, position: str) -> None:
    """Django's instrumentor, before and after ours in `MIDDLEWARE`, and tracing around Django."""
    project = Project(VIEWS[view])
    telemetry = Telemetry()
    spans: list[list[Span]] = []
    instrumentor: Any = DjangoInstrumentor()
    for ours in (True, False):
        with override_settings(**project.all_settings(ours=ours)):
            if position != "around":
                at = 0 if position == "first" else int(ours)
                instrumentor.instrument(middleware_position=at, **telemetry.providers)
            try:
                app = stack.make() if ours else BARE[stack.asgi]()
                if position == "around":
                    tracing: Any = OpenTelemetryMiddleware if stack.asgi else WSGITracing
                    app = tracing(app, **telemetry.providers)
                stack.ask_app(app)
            finally:
                if position != "around":
                    instrumentor.uninstrument()
        spans.append(telemetry.spans(view))
    assert_not_less(*spans)
