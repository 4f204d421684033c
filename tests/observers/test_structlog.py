"""structlog: the id on every event, and log records that look like events."""

from __future__ import annotations

import json
import logging
from io import StringIO
from typing import TYPE_CHECKING, Any

import pytest
import structlog
from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

import kaiko_starlette
from adapters.asgi.server import ask
from kaiko_middleware import NotFoundError
from kaiko_telemetry.opentelemetry import add_trace_context
from kaiko_telemetry.structlog import add_request_id, compact_exception, record_formatter
from observers.test_opentelemetry import Telemetry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

KEY = "kaiko_live_0123456789abcdef"


async def _sold(_request: object) -> Response:
    structlog.get_logger("shop").info("sold", item="tea")
    logging.getLogger("shop").info("sold %s", "tea", extra={"item": "tea"})
    return PlainTextResponse("ok")


async def _bug(_request: object) -> Response:
    raise ZeroDivisionError(KEY)


async def _typed(_request: object) -> Response:
    raise NotFoundError


@pytest.fixture
def serve() -> Iterator[Callable[..., tuple[list[dict[str, Any]], str]]]:
    """Ask for a path; return the lines that are logged, and the id of the answer."""
    stream = StringIO()
    handler = logging.StreamHandler(stream)
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    app = Starlette(routes=[Route("/sold", _sold), Route("/bug", _bug), Route("/typed", _typed)])
    kaiko_starlette.install(app)
    telemetry = Telemetry()
    traced: Any = OpenTelemetryMiddleware(app, **telemetry.providers)

    def ask_for(path: str, *processors: Any, **how: Any) -> tuple[list[dict[str, Any]], str]:
        handler.setFormatter(record_formatter(*processors, **how))
        structlog.configure(
            processors=[
                structlog.stdlib.add_log_level,
                structlog.stdlib.add_logger_name,
                add_request_id,
                *processors,
                structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
            ],
            logger_factory=structlog.stdlib.LoggerFactory(),
            wrapper_class=structlog.stdlib.BoundLogger,
        )
        answer = ask(traced, path)
        return [json.loads(line) for line in stream.getvalue().splitlines()], answer.id

    yield ask_for
    structlog.reset_defaults()
    root.removeHandler(handler)
    root.setLevel(level)


def test_events_and_records_are_alike(serve: Any) -> None:
    """Both have the id of the request, level, logger, and what was given with them."""
    lines, request_id = serve("/sold")
    event, record = (each for each in lines if each.get("logger") == "shop")
    assert event == {
        "event": "sold",
        "item": "tea",
        "level": "info",
        "logger": "shop",
        "request_id": request_id,
    }
    assert record.pop("timestamp").endswith("Z")
    assert record == {**event, "event": "sold tea"}


def test_error(serve: Any) -> None:
    """The record of an error has its attributes."""
    (line,), request_id = serve("/typed")
    assert (line["status"], line["code"], line["level"]) == (404, "not_found", "info")
    assert line["request_id"] == request_id
    assert "exception" not in line


def test_bug(serve: Any) -> None:
    """An unmapped exception has the compact traceback, with keys masked, and no other."""
    (line,), _ = serve("/bug")
    assert line["exception"].startswith("ZeroDivisionError: kaiko_live_***")
    assert KEY not in json.dumps(line)
    assert "exc_info" not in line


def test_trace_ids(serve: Any) -> None:
    """With the processor of `kaiko_telemetry.opentelemetry`, both have the ids of the trace."""
    lines, _ = serve("/sold", add_trace_context)
    event, record = (each for each in lines if each.get("logger") == "shop")
    assert len(event["trace_id"]) == 32
    assert event["trace_id"] == record["trace_id"]


def test_renderer(serve: Any) -> None:
    """What writes the line can be chosen."""

    def render(_logger: object, _name: str, event: Any) -> str:
        return json.dumps({"said": event["event"]})

    lines, _ = serve("/typed", renderer=render)
    (line,) = lines
    assert line["said"].startswith("GET /typed -> 404 not_found")


def test_processors_alone() -> None:
    """Outside of a request there is no id; an id of the event's own and other tracebacks stay."""
    assert add_request_id(None, "info", {"event": "sold"}) == {"event": "sold"}
    own = {"event": "sold", "request_id": "theirs"}
    assert add_request_id(None, "info", dict(own)) == own
    error = KeyError("other")
    record = logging.makeLogRecord({"exc_info": (KeyError, error, None)})
    event: Any = {"event": "failed", "_record": record, "exc_info": True}
    assert compact_exception(None, "error", event) == event
    assert compact_exception(None, "error", {"event": "sold"}) == {"event": "sold"}
