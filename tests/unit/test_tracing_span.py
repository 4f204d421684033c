"""The span of an exception that passed, made current for the record of its answer."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from opentelemetry import trace

from kaiko_middleware.tracing import current_span, in_span

if TYPE_CHECKING:
    import pytest

SPAN = trace.NonRecordingSpan(trace.SpanContext(1, 1, is_remote=False))
OTHER = trace.NonRecordingSpan(trace.SpanContext(2, 2, is_remote=False))


def test_span_is_current_again_for_a_while() -> None:
    """Where no span is current."""
    with in_span(SPAN):
        assert current_span() is SPAN
    assert current_span() is not SPAN


def test_current_span_stays() -> None:
    """A span around the answer is nearer to it, and no span is no news."""
    with trace.use_span(OTHER), in_span(SPAN):
        assert current_span() is OTHER
    with in_span(None):
        assert current_span() is not SPAN


def test_without_opentelemetry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is imported and nothing done."""
    monkeypatch.delitem(sys.modules, "opentelemetry.trace")
    assert current_span() is None
    with in_span(SPAN):
        pass


def test_opentelemetry_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever another library put there, the record is made."""
    monkeypatch.setattr(trace, "get_current_span", object)
    with in_span(SPAN):
        pass
