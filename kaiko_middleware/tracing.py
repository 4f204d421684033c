"""Tells OpenTelemetry of an exception whose answer ends the server's span.

Tracing middleware outside of ours ends its span with the last body. An exception that is raised
again after that, or not at all, would not be on the span. OpenTelemetry is not imported: a service
that traces has loaded it. Implements section 9 of the V2 contract.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ._text import safe_str

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["before_end", "tell_span"]


def tell_span(exc: BaseException) -> None:
    """Record `exc` on the current span when it ends, unless an exception is recorded until then.

    Only then it is known whether the tracing middleware itself sees `exc` pass.
    """
    trace: Any = sys.modules.get("opentelemetry.trace")
    if trace is None or not isinstance(exc, Exception):  # the rest are no errors there either
        return
    with suppress(Exception):  # a span of another library may be anything
        span = trace.get_current_span()
        if not span.is_recording():
            return
        known = _exceptions(span)

        def record() -> None:
            if _exceptions(span) == known:
                span.record_exception(exc)
                said = f"{type(exc).__name__}: {safe_str(exc)}"
                span.set_status(trace.Status(trace.StatusCode.ERROR, said))

        before_end(span, record)


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


def _exceptions(span: Any) -> int:
    return sum(event.name == "exception" for event in span.events)
