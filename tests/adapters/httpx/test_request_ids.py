"""Our request id is sent along, so that an upstream's log can be found by it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from adapters.httpx.scripted import Scripted
from adapters.httpx.ways import OURS, URL, Way, every_way
from kaiko_httpx import RetryPolicy
from kaiko_middleware.ids import restore_request_id, set_request_id

if TYPE_CHECKING:
    from collections.abc import Iterator

ID = "req-0123456789"


@pytest.fixture
def _within_a_request() -> Iterator[None]:
    token = set_request_id(ID)
    yield
    restore_request_id(token)


@every_way
@pytest.mark.usefixtures("_within_a_request")
def test_the_id_of_the_request_goes_along_with_each_attempt(way: Way) -> None:
    """The same in all of them, in place of one that the caller set."""
    called = way.call(Scripted(503, 200), headers={"x-request-id": "another"})
    assert [seen.headers["x-request-id"] for seen in called.upstream.seen] == [ID, ID]


@every_way
def test_no_id_is_made_up_outside_of_a_request(way: Way) -> None:
    """What the caller set stays, and nothing is there where nothing was set."""
    assert "x-request-id" not in way.call(Scripted(200)).upstream.seen[0].headers
    called = way.call(Scripted(200), headers={"x-request-id": "theirs"})
    assert called.upstream.seen[0].headers["x-request-id"] == "theirs"


@pytest.mark.usefixtures("_within_a_request")
def test_the_headers_name_can_be_chosen() -> None:
    """For an upstream that reads another."""
    upstream = Scripted(200)
    with OURS[0].client(upstream, RetryPolicy(), id_header="X-Correlation-ID") as client:
        client.get(URL)
    headers = upstream.seen[0].headers
    assert headers["x-correlation-id"] == ID
    assert "x-request-id" not in headers
