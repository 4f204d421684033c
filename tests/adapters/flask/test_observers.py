"""Flask's signals and log, and OpenTelemetry: they see what they see without the toolkit, once.

Sentry is in `observers/test_sentry.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from flask.signals import (
    appcontext_tearing_down,
    got_request_exception,
    request_finished,
    request_started,
    request_tearing_down,
)
from opentelemetry.instrumentation.flask import FlaskInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from adapters.flask.observed import BUGS_WITHOUT_US, PATHS, make
from adapters.wsgi.server import ask_wsgi
from kaiko_flask import install
from kaiko_middleware import Config

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask

SIGNALS = [request_started, request_finished, request_tearing_down, appcontext_tearing_down]


def heard(app: Flask, path: str) -> list[tuple[str, str | None]]:
    """Return what Flask's signals said of one request, and which exception."""
    told: list[tuple[str, str | None]] = []
    connected: list[Any] = []
    for signal in *SIGNALS, got_request_exception:

        def receive(
            _sender: object,
            exception: object = None,
            exc: object = None,
            name: str = signal.name,
            **_: Any,
        ) -> None:
            raised = exception or exc
            told.append((name, None if raised is None else type(raised).__name__))

        signal.connect(receive, app)
        connected.append(receive)  # a signal does not keep it alive
    ask_wsgi(app, path)
    return told


@pytest.mark.parametrize("settings", [{}, {"PROPAGATE_EXCEPTIONS": True}], ids=["", "propagates"])
@pytest.mark.parametrize("path", [path for path in PATHS if path not in BUGS_WITHOUT_US])
def test_signals(path: str, settings: dict[str, Any]) -> None:
    """Each is sent as without the toolkit, in the same order."""
    assert heard(make(Config(), **settings), path) == heard(make(**settings), path)


@pytest.mark.parametrize("path", BUGS_WITHOUT_US)
def test_what_is_mapped_is_no_bug(path: str) -> None:
    """Flask would signal it, since it asks no handler there."""
    assert ("got-request-exception", ...) not in [
        (name, ...) for name, _ in heard(make(Config()), path)
    ]
    assert "got-request-exception" in [name for name, _ in heard(make(), path)]


@pytest.mark.parametrize("path", PATHS)
def test_flasks_log(path: str, caplog: pytest.LogCaptureFixture) -> None:
    """Flask logs what it logs without the toolkit, and what is mapped is no bug."""
    logged: list[list[str]] = []
    for config in Config(), None:
        caplog.clear()
        app = make(config)
        app.logger.disabled = False
        ask_wsgi(app, path)
        logged.append([each.getMessage() for each in caplog.records if each.name == "observed"])
    ours, bare = logged
    assert ours == ([] if path in BUGS_WITHOUT_US else bare)


def test_its_own_log_of_exceptions() -> None:
    """A service's `log_exception` is called, once."""
    app: Any = make(Config())
    logged: list[object] = []
    app.log_exception = logged.append
    ask_wsgi(app, "/bug")
    assert len(logged) == 1


def spans(make_app: Callable[[Any], Flask], path: str) -> list[tuple[object, ...]]:
    """Return the spans of one request to an instrumented application."""
    memory = InMemorySpanExporter()
    tracers = TracerProvider()
    tracers.add_span_processor(SimpleSpanProcessor(memory))
    ask_wsgi(make_app(tracers), path)
    return [
        (
            span.name,
            span.status.status_code,
            span.status.description,
            [(event.attributes or {}).get("exception.type") for event in span.events],
            (span.attributes or {}).get("http.status_code"),
            (span.attributes or {}).get("error.type"),
        )
        for span in memory.get_finished_spans()
    ]


def instrument(app: Flask, tracers: Any) -> None:
    untyped: Any = FlaskInstrumentor()
    untyped.instrument_app(app, tracer_provider=tracers)


def instrumented_first(tracers: Any) -> Flask:
    app = make()
    instrument(app, tracers)
    install(app)
    return app


def installed_first(tracers: Any) -> Flask:
    app = make(Config())
    instrument(app, tracers)
    return app


def bare(tracers: Any) -> Flask:
    app = make()
    instrument(app, tracers)
    return app


@pytest.mark.parametrize("ours", [instrumented_first, installed_first])
@pytest.mark.parametrize("path", [path for path in PATHS if path not in BUGS_WITHOUT_US])
def test_opentelemetry(ours: Callable[[Any], Flask], path: str) -> None:
    """The server's span is the same, however late the application is instrumented."""
    assert spans(ours, path) == spans(bare, path)


@pytest.mark.parametrize("ours", [instrumented_first, installed_first])
@pytest.mark.parametrize("path", ["/typed", "/down"])
def test_opentelemetry_of_what_is_mapped(ours: Callable[[Any], Flask], path: str) -> None:
    """It is no exception on the span."""
    ((*_, exceptions, status, _),) = spans(ours, path)
    assert (exceptions, status) == ([], 404 if path == "/typed" else 503)
