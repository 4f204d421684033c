"""What OpenTelemetry sees where the service's middleware catches: what it sees bare."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.instrumentation.starlette import StarletteInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from adapters.asgi.server import ask
from adapters.starlette.catching import INSTALLS, Catching, CatchingBase, fastapi, starlette

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.applications import Starlette

    from kaiko_asgi import ASGIApp


def by_framework(app: Starlette, tracers: TracerProvider) -> ASGIApp:
    """Instrument an application as its framework's instrumentor does."""
    instrumentor: Any = StarletteInstrumentor if type(app) in _PLAIN else FastAPIInstrumentor
    instrumentor.instrument_app(app, tracer_provider=tracers)
    return app


def around(app: Starlette, tracers: TracerProvider) -> ASGIApp:
    """Wrap an application in the ASGI middleware."""
    traced: Any = OpenTelemetryMiddleware(app, tracer_provider=tracers)
    return traced  # type: ignore[no-any-return]  # it has no types


def inside(app: Starlette, tracers: TracerProvider) -> ASGIApp:
    """Add the ASGI middleware by hand, inside of what is there."""
    from starlette.middleware import Middleware

    app.user_middleware.append(Middleware(OpenTelemetryMiddleware, tracer_provider=tracers))
    return app


_PLAIN = {type(starlette())}


def spans_of(
    make: Callable[..., Starlette],
    trace: Callable[[Starlette, TracerProvider], ASGIApp],
    path: str,
    *,
    ours: str,
    catching: Any,
) -> list[Any]:
    """Return what is on the server's spans of one request.

    Arguments:
        make: makes the application.
        trace: instruments it.
        path: what is asked for.
        ours: whether ours is installed "before" or "after" that; anything else is not at all.
        catching: the class of what catches.

    """
    memory, tracers = InMemorySpanExporter(), TracerProvider()
    tracers.add_span_processor(SimpleSpanProcessor(memory))
    app = make()
    install = INSTALLS[type(app)]
    app.add_middleware(catching)
    if ours == "before":
        install(app)
    traced = trace(app, tracers)
    if ours == "after":
        install(app)
    ask(traced, path)
    return [
        (
            span.status.status_code,
            span.status.description,
            (span.attributes or {}).get("http.status_code"),
            (span.attributes or {}).get("error.type"),
            [(event.attributes or {}).get("exception.type") for event in span.events],
        )
        for span in memory.get_finished_spans()
        if span.kind.name == "SERVER"
    ]


@pytest.mark.parametrize("make", [starlette, fastapi])
@pytest.mark.parametrize("trace", [by_framework, around, inside])
@pytest.mark.parametrize("catching", [Catching, CatchingBase])
@pytest.mark.parametrize("ours", ["before", "after"])
@pytest.mark.parametrize("path", ["/bug", "/sold-out", "/ok"])
def test_opentelemetry(make: Any, trace: Any, path: str, *, ours: str, catching: Any) -> None:
    """The server's span has what it has without us, whoever instruments, inside or outside."""
    bare = spans_of(make, trace, path, ours="not", catching=catching)
    assert len(bare) == 1
    assert spans_of(make, trace, path, ours=ours, catching=catching) == bare
