"""Every way by which an error leaves a Flask service leads to the contract."""

from __future__ import annotations

from typing import Any, cast

import pytest

from adapters.asgi.apps import records_of
from adapters.django.row import Raised
from adapters.flask.rows import EVERY
from adapters.starlette.row import Alone, Ask, Envelope, Gone, Row
from adapters.starlette.test_rows import check
from adapters.wsgi.server import ask_wsgi


@pytest.mark.parametrize("row", EVERY, ids=lambda row: row.name)
def test_way(row: Row, caplog: pytest.LogCaptureFixture) -> None:
    """An error becomes an envelope or a last event, with one record."""
    caplog.set_level("INFO", "kaiko")
    app: Any = row.app()  # a row is also for other frameworks
    asked = cast("Ask", row.ask)  # WSGI has no sockets
    body = b"".join(asked.body)
    answer = ask_wsgi(app, asked.path, method=asked.method, headers=asked.headers, body=body)
    records = records_of(caplog)
    if isinstance(row.becomes, Gone):
        assert (records, answer.raised) == ([], None)
    elif isinstance(row.becomes, Raised):
        assert (answer.status, records, type(answer.raised)) == (0, [], GeneratorExit)
    elif isinstance(row.becomes, Alone):
        assert answer.status == row.becomes.status
        assert [each for each in records if each.levelname != "ERROR"] == []
        assert not answer.body.startswith(b'{"error"')
    else:
        check(row, answer)
        assert len(records) == 1
    if isinstance(row.becomes, Envelope):
        assert vars(records[0])["code"] == row.becomes.code


def test_each_name_is_one_way() -> None:
    """No two rows have a name."""
    assert len({row.name for row in EVERY}) == len(EVERY)
