"""Streams that fail half-way, as clients see them who check that an answer is whole."""

from __future__ import annotations

import http.client
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from adapters.asgi.loopback import fetch, run
from conformance.scenarios import BY_NAME
from kaiko_middleware.conformance import check_answer, check_event_stream, check_json_lines
from servers.asking import on_servers, send

if TYPE_CHECKING:
    from adapters.asgi.server import Answer
    from servers.running import Running

CUT = ["text-fails", "text-fails-typed"]


@on_servers()
@pytest.mark.parametrize("name", ["events-fail", "events-fail-halfway", "events-fail-typed"])
def test_events_end_with_an_error(server: Running, name: str) -> None:
    """A stream of events is whole, and its last one says what failed."""
    for app in server.server.apps:
        seen = send(server, app, BY_NAME[name])
        (request_id,) = seen.values("x-request-id")
        assert (seen.status, seen.cut) == (200, False)
        assert check_event_stream(seen.body, request_id=request_id) == []


@on_servers()
@pytest.mark.parametrize("name", ["lines-fail", "jsonl-fail"])
def test_lines_end_with_an_envelope(server: Running, name: str) -> None:
    """So is a stream of JSON lines."""
    for app in server.server.apps:
        seen = send(server, app, BY_NAME[name])
        (request_id,) = seen.values("x-request-id")
        assert (seen.status, seen.cut) == (200, False)
        assert check_json_lines(seen.body, request_id=request_id) == []


@on_servers(lambda row: row.cuts)
@pytest.mark.parametrize("name", CUT)
def test_a_client_notices_a_cut(server: Running, name: str) -> None:
    """Anything else is cut: Python's client and httpx say that it is not whole."""
    for app in server.server.apps:
        assert send(server, app, BY_NAME[name]).cut
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        try:
            connection.request("GET", f"/s/{name}", headers={"X-Served": app})
            with pytest.raises((http.client.IncompleteRead, ConnectionError)):
                connection.getresponse().read()
        finally:
            connection.close()
        url = f"http://127.0.0.1:{server.port}/s/{name}"
        with pytest.raises((httpx2.NetworkError, httpx2.RemoteProtocolError)):
            httpx2.get(url, headers={"X-Served": app}, trust_env=False)


def _returned(server: Running, kind: str) -> Answer:
    return run(fetch(server.port, f"/returns/{kind}"))


@on_servers(lambda row: row.is_asgi)
def test_what_an_application_returns_from_half_way_is_ended(server: Running) -> None:
    """With the last event or line where one fits; a head alone becomes an envelope."""
    checks: dict[str, Any] = {
        "text/event-stream": check_event_stream,
        "application/jsonl": check_json_lines,
    }
    for kind, check in checks.items():
        seen = _returned(server, kind)
        assert (seen.status, seen.whole) == (200, True)
        assert check(seen.body, request_id=dict(seen.headers)["x-request-id"]) == []
    seen = _returned(server, "head")
    assert seen.whole
    assert check_answer(seen.status, seen.headers, seen.body) == []


@on_servers(lambda row: row.is_asgi and row.cuts)
def test_any_other_answer_is_cut_where_the_application_returns(server: Running) -> None:
    """It never ends as if it were whole."""
    assert not _returned(server, "text/csv").whole
