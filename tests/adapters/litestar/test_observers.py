"""Hooks, OpenTelemetry and logs: they see what they see without the toolkit, once.

Sentry is in `observers/test_sentry.py`.
"""

from __future__ import annotations

import logging
from typing import Any

import pytest
from litestar.logging import LoggingConfig
from litestar.plugins.opentelemetry import OpenTelemetryConfig, OpenTelemetryPlugin
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from adapters.asgi.server import ask, connect
from adapters.litestar.observed import PATHS, make
from kaiko_middleware import Config

HTTP = [path for path in PATHS if not path.startswith("/ws")]


def test_hooks() -> None:
    """Each hears of the same exceptions as without the toolkit, in the same order."""
    heard: dict[str, list[str]] = {}
    for name, config in (("bare", None), ("ours", Config())):
        told = heard[name] = []

        def hook(exc: Exception, scope: Any, told: list[str] = told) -> None:
            told.append(f"{scope['type']} {type(exc).__name__}")

        app = make(config, after_exception=[hook])
        for path in PATHS:
            connect(app, path) if path.startswith("/ws") else ask(app, path)
    assert heard["ours"] == heard["bare"]


def _spans(config: Config | None) -> list[Any]:
    memory = InMemorySpanExporter()
    tracers = TracerProvider()
    tracers.add_span_processor(SimpleSpanProcessor(memory))
    settings = OpenTelemetryConfig(tracer_provider=tracers)
    app = make(config, plugins=[OpenTelemetryPlugin(settings)])
    found: list[Any] = []
    for path in HTTP:
        memory.clear()
        ask(app, path)
        found += [
            (
                path,
                span.name,
                span.status.status_code,
                [event.name for event in span.events],
                (span.attributes or {}).get("error.type"),
            )
            for span in memory.get_finished_spans()
            if span.kind.name == "SERVER" and path not in {"/typed", "/down", "/timeout"}
        ]
    return found


def test_opentelemetry() -> None:
    """The server's spans of Litestar's plugin are the same."""
    assert _spans(Config()) == _spans(None)


@pytest.mark.parametrize("log_exceptions", ["always", "debug"])
@pytest.mark.parametrize("path", ["/bug", "/typed", "/nowhere", "/number?n=x"])
def test_one_record(caplog: pytest.LogCaptureFixture, path: str, log_exceptions: Any) -> None:
    """Litestar's own record of an exception does not repeat ours."""
    settings = LoggingConfig(log_exceptions=log_exceptions, configure_root_logger=False)
    app = make(Config(), logging_config=settings, debug=log_exceptions == "debug")
    logging.getLogger("litestar").propagate = True
    caplog.set_level("INFO")
    ask(app, path)
    assert [record.name.partition(".")[0] for record in caplog.records] == ["kaiko"]


def test_litestars_record_where_there_is_none_of_ours(caplog: pytest.LogCaptureFixture) -> None:
    """On an uncovered path, and by a handler of the service's own."""
    settings = LoggingConfig(log_exceptions="always", configure_root_logger=False)
    app = make(Config(paths=("/api",)), logging_config=settings)
    logging.getLogger("litestar").propagate = True
    ask(app, "/bug")
    assert [record.name for record in caplog.records] == ["litestar"]
    told: list[str] = []
    own = LoggingConfig(
        log_exceptions="always",
        configure_root_logger=False,
        exception_logging_handler=lambda _logger, scope, _tb: told.append(scope["path"]),
    )
    ask(make(Config(), logging_config=own), "/bug")
    assert told == ["/bug"]


def test_the_log_of_what_nobody_takes(caplog: pytest.LogCaptureFixture) -> None:
    """Without a hook the record is all there is: error trackers take it from the log."""

    def hook(*_given: Any) -> None:
        """Hear of it."""

    ask(make(Config()), "/bug")
    ask(make(Config(), after_exception=[hook]), "/bug")
    assert [record.name for record in caplog.records] == ["kaiko", "kaiko.unmapped"]


def test_sentrys_hook_hears_of_what_is_unmapped() -> None:
    """It takes every exception that is no HTTP exception for a bug."""
    heard: list[str] = []

    def hook(exc: Exception, _scope: Any) -> None:
        heard.append(type(exc).__name__)

    hook.__module__ = "sentry_sdk.integrations.litestar"
    app = make(Config(), after_exception=[hook])
    for path in HTTP:
        ask(app, path)
    assert heard[:2] == ["ZeroDivisionError", "ExceptionGroup"]
    assert {"NotFoundError", "ServiceUnavailableError", "TimeoutError"}.isdisjoint(heard)
    heard.clear()
    uncovered = make(Config(paths=("/api",)), after_exception=[hook])
    ask(uncovered, "/typed")
    assert heard == ["NotFoundError"]
