"""Tells OpenTelemetry of an exception whose answer ends the server's span.

Tracing middleware outside of ours ends its span with the last body. An exception that is raised
again after that, or not at all, would not be on the span. OpenTelemetry is not imported: a service
that traces has loaded it. Implements section 9 of the V2 contract.
"""

from __future__ import annotations

import sys
import time
from contextlib import nullcontext, suppress
from typing import TYPE_CHECKING, Any

from ._text import safe_str

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

__all__ = ["TRACING", "before_end", "current_span", "hold_end", "in_span", "tell_span"]


TRACING = "opentelemetry.context"
"""The module that OpenTelemetry's current span is kept by; a service that traces has loaded it."""
_modules = sys.modules
_WSGI = "opentelemetry.instrumentation.wsgi"
"""Its middleware notes the class of an exception that it sees instead of an answer."""


def tell_span(exc: BaseException, status: int | None = None) -> Callable[[], None]:
    """Record `exc` on the current span when it ends, unless an exception is recorded until then.

    Only then it is known whether the tracing middleware itself sees `exc` pass. Call what is
    returned once the answer is sent: a span that lives longer and did not fail is that of a caller
    in this process, who may have handled the answer.

    Arguments:
        exc: the exception.
        status: the status of the answer, where it is the server's own without us.

    """
    sent = False

    def answered() -> None:
        nonlocal sent
        sent = True

    trace: Any = sys.modules.get("opentelemetry.trace")
    if trace is None or not isinstance(exc, Exception):  # the rest are no errors there either
        return answered
    with suppress(Exception):  # a span of another library may be anything
        span = trace.get_current_span()
        if span.is_recording():
            known, error = _exceptions(span), trace.StatusCode.ERROR

            def record() -> None:
                failed = not sent or span.status.status_code is error
                if failed and _exceptions(span) == known:
                    span.record_exception(exc)
                    span.set_status(trace.Status(error, f"{type(exc).__name__}: {safe_str(exc)}"))
                if (
                    status is not None
                    and span.instrumentation_scope.name == _WSGI
                    and span.attributes.get("error.type") == str(status)
                ):
                    span.set_attribute("error.type", type(exc).__qualname__)
                    span.set_status(trace.Status(error, safe_str(exc)))

            before_end(span, record)
    return answered


def before_end(span: Any, work: Callable[[], None]) -> None:
    """Call `work` once, just before `span` ends; it may raise."""
    end = span.end

    def working_end(end_time: int | None = None) -> None:
        if "end" in vars(span):
            del span.end
        with suppress(Exception):
            work()
        end(end_time)

    span.end = working_end


def current_span() -> object | None:
    """Return OpenTelemetry's current span; None where it is not loaded."""
    trace: Any = sys.modules.get("opentelemetry.trace")
    return None if trace is None else trace.get_current_span()


def in_span(span: object | None) -> AbstractContextManager[object]:
    """Make `span` current where no span is, so that a log record made in it has its trace id.

    It may have ended: tracing middleware ends its span when an exception passes it, and our answer
    and its record come later.
    """
    trace: Any = sys.modules.get("opentelemetry.trace")
    if span is not None and trace is not None:
        with suppress(Exception):  # a span of another library may be anything
            if not trace.get_current_span().get_span_context().is_valid:
                made: AbstractContextManager[object] = trace.use_span(span)
                return made
    return nullcontext()


def hold_end() -> Callable[[], None] | None:
    """Keep the current span from ending until what is returned is called; None without a span.

    OpenTelemetry's instrumentation of Flask ends its span with Flask's context, and notes the
    status when the head goes out, which is later where the head is held.
    """
    context: Any = _modules.get(TRACING)
    try:
        # Most often it is empty. `get_current_span` takes five times as long to find no span.
        if context is not None and context.get_current():
            trace: Any = _modules["opentelemetry.trace"]
            span = trace.get_current_span()
            if span.is_recording():
                return _held(span, trace.StatusCode.ERROR)
    except Exception:  # noqa: BLE001 - a span of another library may be anything
        return None
    return None


def _held(span: Any, error: object) -> Callable[[], None]:
    end, released = span.end, False
    ended: list[tuple[int, Any]] = []

    def held_end(end_time: int | None = None) -> None:
        if released:
            end(end_time)
        else:
            ended.append((time.time_ns() if end_time is None else end_time, span.status))

    def release() -> None:
        nonlocal released
        released = True
        for end_time, status in ended:
            if status.status_code is error and status.description:
                span.set_status(status)  # the head's has no description
            end(end_time)
        ended.clear()

    span.end = held_end
    return release


def _exceptions(span: Any) -> int:
    return sum(event.name == "exception" for event in span.events)
