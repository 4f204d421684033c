"""structlog: the request's id on every event, and log records that look like events.

>>> import logging
>>> import structlog
>>> from kaiko_telemetry.structlog import add_request_id, record_formatter
>>> handler = logging.StreamHandler()
>>> handler.setFormatter(record_formatter())
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kaiko_middleware.extras import require

require(__name__, "structlog", install="kaiko-middleware[structlog]")

from structlog.processors import JSONRenderer, TimeStamper, format_exc_info
from structlog.stdlib import ExtraAdder, ProcessorFormatter, add_log_level, add_logger_name

from kaiko_middleware import current_request_id

if TYPE_CHECKING:
    from structlog.typing import EventDict, Processor, WrappedLogger

__all__ = ["add_request_id", "compact_exception", "record_formatter"]


def add_request_id(logger: WrappedLogger, method_name: str, event_dict: EventDict) -> EventDict:
    """Add the current `request_id` to an event: a processor. Outside of a request there is none."""
    del logger, method_name
    if "request_id" not in event_dict:
        request_id = current_request_id()
        if request_id is not None:
            event_dict["request_id"] = request_id
    return event_dict


def compact_exception(logger: WrappedLogger, method_name: str, event_dict: EventDict) -> EventDict:
    """Take the compact traceback of a log record of ours, with keys masked: a processor.

    For the `foreign_pre_chain` of a `ProcessorFormatter`, before `format_exc_info`.
    """
    del logger, method_name
    text = getattr(event_dict.get("_record"), "exc_text", None)
    if text:
        event_dict["exception"] = text
        event_dict.pop("exc_info", None)
    return event_dict


def _without_copies(_logger: WrappedLogger, _method_name: str, event_dict: EventDict) -> EventDict:
    """Drop what another handler's formatter left on the record."""
    for name in ("asctime", "message"):
        event_dict.pop(name, None)
    return event_dict


def record_formatter(
    *processors: Processor, renderer: Processor | None = None
) -> ProcessorFormatter:
    """Return a formatter that renders log records of all loggers, and structlog's events.

    A record becomes an event with `level`, `logger`, `timestamp` (UTC, ISO 8601), the record's own
    attributes (`code`, `status`, …), `request_id`, and `exception` where there is one. An event of
    structlog has what its own processors add; the last of these has to be
    `ProcessorFormatter.wrap_for_formatter`.

    Arguments:
        processors: what else is added to a record, such as
            `kaiko_telemetry.opentelemetry.add_trace_context`.
        renderer: what writes the line; by default `structlog.processors.JSONRenderer()`.

    """
    return ProcessorFormatter(
        foreign_pre_chain=[
            add_log_level,
            add_logger_name,
            TimeStamper(fmt="iso", utc=True),
            ExtraAdder(),
            _without_copies,
            add_request_id,
            *processors,
            compact_exception,
            format_exc_info,
        ],
        processors=[
            ProcessorFormatter.remove_processors_meta,
            JSONRenderer() if renderer is None else renderer,
        ],
    )
