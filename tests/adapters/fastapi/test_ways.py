"""Every way by which an error answer leaves a FastAPI service leads to the contract."""

from __future__ import annotations

import logging

import pytest

from adapters.asgi.apps import records_of
from adapters.asgi.server import Answer, Socket
from adapters.fastapi.ways import FEATURES, STACKS, Adopt, Way, check, installed, send
from adapters.fastapi.ways_around import HANDLERS, MIDDLEWARE, SOCKETS, STREAMS
from adapters.fastapi.ways_views import (
    BODIES,
    DEPENDENCIES,
    HTTP_EXCEPTIONS,
    RESPONSES,
    ROUTING,
    SECURITY,
    UNCAUGHT,
    VALIDATION,
)
from adapters.starlette.row import Alone, Envelope, Gone

EVERY: tuple[Way, ...] = (
    *UNCAUGHT,
    *HTTP_EXCEPTIONS,
    *ROUTING,
    *DEPENDENCIES,
    *SECURITY,
    *VALIDATION,
    *BODIES,
    *RESPONSES,
    *STREAMS,
    *SOCKETS,
    *HANDLERS,
    *MIDDLEWARE,
)
WAYS = [way for way in EVERY if way.needs is None or FEATURES[way.needs]]


def check_records(way: Way, seen: Answer | Socket, records: list[logging.LogRecord]) -> None:
    """Check that what went wrong is logged exactly once."""
    if isinstance(way.becomes, Gone) or (isinstance(way.becomes, Alone) and seen.raised is None):
        assert records == []
        return
    (record,) = records
    if isinstance(way.becomes, Envelope):
        assert record.__dict__["status"] == way.becomes.status
        assert record.__dict__["code"] == way.becomes.code


@pytest.mark.parametrize("adopt", STACKS, ids=lambda adopt: adopt.__name__)
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_way(way: Way, adopt: Adopt, caplog: pytest.LogCaptureFixture) -> None:
    """The answer is what the contract makes of it; with `install`, the log has one record."""
    caplog.set_level(logging.INFO, logger="kaiko")
    becomes = way.becomes if adopt is installed else way.rough or way.becomes
    seen = send(adopt(way.app()), way.ask)
    if adopt is installed:
        check_records(way, seen, records_of(caplog))
    if isinstance(becomes, Gone):
        assert isinstance(seen, Answer)
        assert (seen.status, seen.raised) == (0, None)
        return
    check(way, becomes, seen)


def test_no_way_is_missing() -> None:
    """All 89 ways that were found by experiment stand in the table, each once."""
    names = [way.name for way in EVERY]
    assert len(names) == len(set(names)) == 89
