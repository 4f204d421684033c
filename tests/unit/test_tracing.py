"""An exception is recorded on a span just before the span ends, once."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

from opentelemetry import context, trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from kaiko_middleware.tracing import TRACING, hold_end, tell_span

if TYPE_CHECKING:
    import pytest


class UnprintableError(Exception):
    """Its text cannot be made."""

    def __str__(self) -> str:
        """Fail."""
        raise ValueError("no text")


def recorded(*told: BaseException, seen: Exception | None = None) -> list[str]:
    """Return the exceptions on a span, of which it is told and one of which it sees itself."""
    memory, tracers = InMemorySpanExporter(), TracerProvider()
    tracers.add_span_processor(SimpleSpanProcessor(memory))
    span = tracers.get_tracer("test").start_span("request")
    with trace.use_span(span, end_on_exit=False):
        for exc in told:
            tell_span(exc)
    if seen is not None:
        span.record_exception(seen)
    span.end()
    (finished,) = memory.get_finished_spans()
    return [str((event.attributes or {})["exception.type"]) for event in finished.events]


def test_once() -> None:
    """However many layers tell it, and whether or not the tracing sees it pass."""
    bug = ValueError("secret")
    assert recorded(bug) == recorded(bug, bug) == recorded(bug, seen=bug) == ["ValueError"]


def test_span_of_a_caller() -> None:
    """A span that lives on after the answer gets the exception only if it fails itself."""
    memory, tracers = InMemorySpanExporter(), TracerProvider()
    tracers.add_span_processor(SimpleSpanProcessor(memory))
    for status in (trace.StatusCode.UNSET, trace.StatusCode.ERROR):
        span = tracers.get_tracer("test").start_span(status.name)
        with trace.use_span(span, end_on_exit=False):
            tell_span(ValueError("secret"))()
        span.set_status(status)
        span.end()
    found = {span.name: len(span.events) for span in memory.get_finished_spans()}
    assert found == {"UNSET": 0, "ERROR": 1}


def test_held_end() -> None:
    """A held span ends when it is let go, with its own time, and keeps the text of its status."""
    memory, tracers = InMemorySpanExporter(), TracerProvider()
    tracers.add_span_processor(SimpleSpanProcessor(memory))
    error = trace.StatusCode.ERROR
    for name, status in (
        ("failed", trace.Status(error, "ValueError: secret")),
        ("plain", trace.Status(error)),
        ("ok", trace.Status(trace.StatusCode.UNSET)),
    ):
        span = tracers.get_tracer("test").start_span(name)
        with trace.use_span(span, end_on_exit=False):
            release = hold_end()
        span.set_status(status)
        if name != "ok":
            span.end(7)
            assert span.is_recording()
        span.set_attribute("http.response.status_code", 500)
        span.set_status(error)
        assert release is not None
        release()
        if name == "ok":
            span.end(7)
    found = {span.name: span for span in memory.get_finished_spans()}
    assert {span.end_time for span in found.values()} == {7}
    assert [span.status.description for span in found.values()] == [
        "ValueError: secret",
        None,
        None,
    ]
    assert all((span.attributes or {})["http.response.status_code"] for span in found.values())


def test_no_error() -> None:
    """What ends the process is no error, as for OpenTelemetry."""
    assert recorded(SystemExit()) == []


def test_hostile() -> None:
    """A span ends, whatever its exception does."""
    assert recorded(UnprintableError()) == []


def test_nothing_to_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a span that records, or without OpenTelemetry, nothing is loaded or changed."""
    plain = trace.get_current_span()
    tell_span(ValueError())()
    assert hold_end() is None
    assert trace.get_current_span() is plain
    for name in "opentelemetry.trace", TRACING:
        monkeypatch.delitem(sys.modules, name)
    tell_span(ValueError())()
    assert hold_end() is None
    assert not {"opentelemetry.trace", TRACING} & {*sys.modules}


def test_no_span_to_hold() -> None:
    """OpenTelemetry's context has something else in it, or a span that does not record."""
    for current in (
        context.set_value("key", "value"),
        trace.set_span_in_context(trace.NonRecordingSpan(trace.INVALID_SPAN_CONTEXT)),
    ):
        token = context.attach(current)
        try:
            assert hold_end() is None
        finally:
            context.detach(token)


def test_while_opentelemetry_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another thread may be at it: the module is there, and has nothing in it."""
    monkeypatch.setitem(sys.modules, TRACING, ModuleType(TRACING))
    assert hold_end() is None


def test_other_spans(monkeypatch: pytest.MonkeyPatch) -> None:
    """A span of another library that takes no attributes is left alone."""
    ended: list[str] = []

    class Other:
        __slots__ = ()
        events: tuple[object, ...] = ()

        def is_recording(self) -> bool:
            return True

        def end(self) -> None:
            ended.append("ended")

    other: Any = Other()
    monkeypatch.setattr(trace, "get_current_span", lambda: other)
    tell_span(ValueError())()
    token = context.attach(context.set_value("key", "value"))
    try:
        assert hold_end() is None
    finally:
        context.detach(token)
    other.end()
    assert ended == ["ended"]
