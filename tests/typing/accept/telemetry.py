"""The telemetry hooks go where their SDKs and `Config` take them, beside a service's own."""

from __future__ import annotations

import logging

import structlog
from opentelemetry.sdk.trace import TracerProvider
from prometheus_client import CollectorRegistry

from kaiko_middleware import Config, ErrorReport, JsonFormatter
from kaiko_telemetry.opentelemetry import (
    RequestIdSpanProcessor,
    TraceContextFilter,
    add_trace_context,
    annotate_span,
)
from kaiko_telemetry.prometheus import prometheus_counter
from kaiko_telemetry.sentry import sentry_tags
from kaiko_telemetry.structlog import add_request_id, compact_exception, record_formatter


def own(report: ErrorReport) -> None:
    """Be a hook of the service's."""
    print(report.error.code)


config = Config(
    on_error=[
        annotate_span,
        prometheus_counter(),
        prometheus_counter("shop_errors", registry=CollectorRegistry()),
        sentry_tags(),
        own,
    ]
)
provider = TracerProvider()
provider.add_span_processor(RequestIdSpanProcessor())
handler = logging.StreamHandler()
handler.addFilter(TraceContextFilter())
handler.addFilter(TraceContextFilter(default=None))
handler.setFormatter(JsonFormatter())
handler.setFormatter(record_formatter(add_trace_context))
handler.setFormatter(record_formatter(renderer=structlog.processors.KeyValueRenderer()))
structlog.configure(processors=[add_request_id, add_trace_context, compact_exception])
