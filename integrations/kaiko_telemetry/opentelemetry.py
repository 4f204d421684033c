"""OpenTelemetry: the id and the code of an error on its span, and trace ids on log records.

>>> from kaiko_middleware import Config
>>> from kaiko_telemetry.opentelemetry import annotate_span
>>> config = Config(on_error=[annotate_span])

The names are those of OpenTelemetry's semantic conventions for HTTP spans (`error.type`) and of its
specification of trace context in other log formats (`trace_id`, `span_id`, `trace_flags`).
"""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from kaiko_middleware.extras import require

require(__name__, "opentelemetry", install="kaiko-middleware[opentelemetry]")

from opentelemetry.sdk.trace import SpanProcessor
from opentelemetry.trace import SpanKind, StatusCode, format_span_id, format_trace_id
from opentelemetry.trace import get_current_span as current_span

from kaiko_middleware import current_request_id
from kaiko_middleware.report import RepeatableHook
from kaiko_middleware.tracing import before_end

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import Span

    from kaiko_middleware import ErrorReport

__all__ = ["RequestIdSpanProcessor", "TraceContextFilter", "add_trace_context", "annotate_span"]

_CODE = "kaiko.error.code"
_ERROR_TYPE = "error.type"
_REQUEST_ID = "request_id"
_SERVERS = (SpanKind.SERVER, SpanKind.INTERNAL)
"""The kinds that instrumentations give to a server's span; the latter inside of another span."""


class _AnnotateSpan(RepeatableHook):
    def __call__(self, report: ErrorReport) -> None:
        span: Any = current_span()
        if not span.is_recording() or getattr(span, "kind", None) not in _SERVERS:
            return
        error, exception = report.error, report.exception
        unmapped = report.unmapped and exception is not None
        named = type(exception).__qualname__ if unmapped else error.code
        span.set_attribute(_REQUEST_ID, report.request_id)
        span.set_attribute(_CODE, error.code)

        def name_error() -> None:
            known = span.attributes.get(_ERROR_TYPE)
            if known is None or known.isdecimal():
                span.set_attribute(_ERROR_TYPE, named)

        def name_failed() -> None:
            if span.status.status_code is StatusCode.ERROR:
                name_error()

        if error.status >= 500 and span.kind is SpanKind.SERVER:
            name_error()  # a span may end before the instrumentation knows the status
        before_end(span, name_failed)


annotate_span: RepeatableHook = _AnnotateSpan()
"""A hook of `on_error`: puts the request's id and the error's code on the server's span.

The attributes are `request_id`, `kaiko.error.code`, and `error.type` if the span's status is an
error, as OpenTelemetry's conventions want: for a 5xx, and for an answer that is cut short.
`error.type` is the code, or the class of an unmapped exception. It replaces the bare status
(`503`) that instrumentations write there, and no class that they write.

Nothing is done where no span is recorded, or where the current span is a client's or a queue's.
"""


class RequestIdSpanProcessor(SpanProcessor):
    """Puts `request_id` on every span that starts inside of a request.

    >>> from opentelemetry.sdk.trace import TracerProvider
    >>> provider = TracerProvider()
    >>> provider.add_span_processor(RequestIdSpanProcessor())

    The server's own span starts before there is an id. It gets the id when a span starts inside of
    it, or from `annotate_span`.
    """

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Put the id on a span that starts, and on the server's span that it starts in."""
        request_id = current_request_id()
        if request_id is None:
            return
        span.set_attribute(_REQUEST_ID, request_id)
        parent: Any = current_span(parent_context)
        with suppress(AttributeError):  # a span of another library has no kind
            if parent.kind is SpanKind.SERVER and _REQUEST_ID not in parent.attributes:
                parent.set_attribute(_REQUEST_ID, request_id)


class TraceContextFilter(logging.Filter):
    """Puts `trace_id`, `span_id` and `trace_flags` of the current span on every record.

    >>> handler = logging.StreamHandler()
    >>> handler.addFilter(TraceContextFilter())
    >>> handler.setFormatter(logging.Formatter("%(levelname)s [%(trace_id)s] %(message)s"))

    They are lower-case hex: 32, 16 and 2 digits. A span that is not sampled has ids as well; the
    lowest bit of its flags is 0. Add it to a handler, as `RequestIdFilter`.

    Arguments:
        default: the value of all three without a span; None leaves the attributes out, for JSON.

    """

    def __init__(self, default: str | None = "-") -> None:
        super().__init__()
        self.default = default

    def filter(self, record: logging.LogRecord) -> bool:
        """Stamp the record, unless it carries a trace id already; lets every record through."""
        if not hasattr(record, "trace_id"):
            said = _trace_context()
            if not said and self.default is not None:
                said = dict.fromkeys(_NAMES, self.default)
            vars(record).update(said)
        return True


def add_trace_context(
    logger: object,
    method_name: str,
    event_dict: MutableMapping[str, Any],
) -> MutableMapping[str, Any]:
    """Add `trace_id`, `span_id` and `trace_flags` to an event: a processor of structlog.

    Without a span nothing is added.
    """
    del logger, method_name
    if "trace_id" not in event_dict:
        event_dict.update(_trace_context())
    return event_dict


_NAMES: tuple[str, ...] = ("trace_id", "span_id", "trace_flags")


def _trace_context() -> dict[str, str]:
    context = current_span().get_span_context()
    if not context.is_valid:
        return {}
    trace_id, span_id = format_trace_id(context.trace_id), format_span_id(context.span_id)
    return dict(zip(_NAMES, (trace_id, span_id, f"{context.trace_flags:02x}"), strict=True))
