"""A hook that is not made yet, or of another kind, is reported."""

from __future__ import annotations

import logging

from kaiko_middleware import Config
from kaiko_telemetry.opentelemetry import RequestIdSpanProcessor, TraceContextFilter, annotate_span
from kaiko_telemetry.prometheus import prometheus_counter
from kaiko_telemetry.sentry import sentry_tags
from kaiko_telemetry.structlog import record_formatter

Config(on_error=[sentry_tags])  # error
Config(on_error=[prometheus_counter])  # error
Config(on_error=[annotate_span()])  # error
Config(on_error=[TraceContextFilter()])  # error
Config(on_error=[RequestIdSpanProcessor])  # error
prometheus_counter(registry="default")  # error
prometheus_counter("shop", ["code"])  # error
TraceContextFilter(default=0)  # error
logging.getLogger().addFilter(TraceContextFilter)  # error
record_formatter(renderer="json")  # error
