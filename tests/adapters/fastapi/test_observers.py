"""Who else must still see it: FastAPI's own telemetry, the test client."""

from __future__ import annotations

from typing import Any, cast

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from adapters.asgi.server import ask
from adapters.fastapi.routes import make_app
from adapters.fastapi.ways import FEATURES
from kaiko_fastapi import install
from kaiko_middleware import Config, NotFoundError, ServerError


class BugError(Exception):
    """Nobody foresees it."""


async def bug() -> None:
    """Fail as nobody foresaw."""
    raise BugError("secret")


async def missing() -> None:
    """Refuse on purpose."""
    raise NotFoundError("No such thing")


async def broken() -> None:
    """Fail on purpose."""
    raise ServerError("It is broken")


async def late() -> None:
    """Fail in a way that is mapped."""
    raise TimeoutError("secret")


def service(config: Config | None = None, *, bare: bool = False, **how: Any) -> FastAPI:
    """Return an application of these routes, installed unless it is to be bare."""
    app = FastAPI(**how)
    for endpoint in (bug, missing, broken, late):
        app.add_api_route(f"/{endpoint.__name__}", endpoint)
    if not bare:
        install(app, config)
    return app


@pytest.mark.skipif(not FEATURES["telemetry"], reason="this FastAPI has no telemetry")
class TestTelemetry:
    """What FastAPI itself tells OpenTelemetry."""

    def test_bug(self) -> None:
        """The exception is logged once, and each span names it: all as it is without us."""
        spans, logs = self.observe("/bug")
        bare_spans, bare_logs = self.observe("/bug", bare=True)
        assert spans == bare_spans
        for log in (*logs, *bare_logs):
            del log["exception.stacktrace"]  # our frames are in it
        assert logs == bare_logs
        assert [log["event"] for log in logs] == ["http.server.request.exception"]
        assert logs[0]["exception.type"].endswith("BugError")
        assert spans["fastapi.endpoint"]["error.type"].endswith("BugError")
        assert spans["GET /bug"]["http.response.status_code"] == 500
        assert spans["GET /bug"]["error.type"].endswith("BugError")

    @pytest.mark.parametrize(
        ("path", "status"), [("/missing", 404), ("/broken", 500), ("/late", 503)]
    )
    def test_mapped(self, path: str, status: int) -> None:
        """A mapped error is no unhandled exception."""
        spans, logs = self.observe(path)
        assert logs == []
        assert spans[f"GET {path}"]["http.response.status_code"] == status

    def test_refused(self) -> None:
        """What validation refused is told as before, under the status that is answered."""
        spans, logs = self.observe("/filtered", make_app)
        assert [log["event"] for log in logs] == ["fastapi.validation.failed"]
        assert spans["GET /filtered"]["http.response.status_code"] == 400

    def observe(
        self, path: str, make: Any = None, *, bare: bool = False
    ) -> tuple[dict[str, dict[str, Any]], list[dict[str, Any]]]:
        """Return the spans' attributes by name, and the logs', of one request."""
        made = cast("Any", InMemoryLogRecordExporter)  # it is untyped
        spans, logs = InMemorySpanExporter(), made()
        tracer, logger = TracerProvider(), LoggerProvider()
        tracer.add_span_processor(SimpleSpanProcessor(spans))
        logger.add_log_record_processor(SimpleLogRecordProcessor(logs))
        how: dict[str, Any] = {"telemetry": {"tracer_provider": tracer, "logger_provider": logger}}
        if make is None:
            app = service(bare=bare, **how)
        else:
            app = FastAPI(**how)
            app.router.routes += make().routes
            install(app)
        ask(app, path)
        seen = {span.name: dict(span.attributes or {}) for span in spans.get_finished_spans()}
        told = [
            {"event": log.log_record.event_name, **(log.log_record.attributes or {})}
            for log in logs.get_finished_logs()
        ]
        return seen, told


class TestClientOfTests:
    """The test client behaves as its users expect."""

    def test_raises_bugs(self) -> None:
        """An unmapped exception is raised in the test."""
        with pytest.raises(BugError):
            TestClient(service()).get("/bug")

    def test_raises_no_mapped_error(self) -> None:
        """A mapped error is an answer, with its id."""
        answer = TestClient(service()).get("/missing")
        assert answer.json()["error"]["request_id"] == answer.headers["x-request-id"]
