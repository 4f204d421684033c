"""Every way by which an error leaves a Litestar service leads to the contract."""

from __future__ import annotations

import pytest

from adapters.asgi.apps import records_of
from adapters.asgi.server import Answer, Socket
from adapters.litestar.rows import EVERY
from adapters.starlette.row import Alone, Envelope, Gone, Row
from adapters.starlette.test_rows import check, send


@pytest.mark.parametrize("row", EVERY, ids=lambda row: row.name)
def test_way(row: Row, caplog: pytest.LogCaptureFixture) -> None:
    """An error becomes an envelope, a last event or a close, with one record."""
    caplog.set_level("INFO", "kaiko")
    seen = send(row.app(), row.ask)
    if isinstance(row.becomes, Gone):
        assert isinstance(seen, Answer)
        assert (seen.events, caplog.records) == ([], [])
    elif isinstance(row.becomes, Alone) and isinstance(seen, Socket):
        assert (seen.closed, caplog.records) == ((row.becomes.status, "Own"), [])
    else:
        check(row, seen)
    if isinstance(row.becomes, Envelope):
        (record,) = records_of(caplog)
        assert vars(record)["code"] == row.becomes.code
