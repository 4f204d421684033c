"""The deadline of a whole call, where the transport lets nobody watch its connections.

What holds over real connections stands in `test_slow_servers.py`.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from adapters.httpx.scripted import Answer, Scripted
from adapters.httpx.ways import WAYS, Called, Way, every_way, our_clients
from kaiko_middleware import ServiceUnavailableError
from kaiko_middleware.deadline import deadline, ends_at

if TYPE_CHECKING:
    from collections.abc import Iterator

DRIP = tuple(part for _ in range(60) for part in (1.0, b"x"))
"""A body that takes a minute, of which each part comes in time."""
async_ways = pytest.mark.parametrize("way", [way for way in WAYS if way.manner != "sync"], ids=str)


def ends(called: Called) -> float:
    """Return when the last body was closed, in seconds after the first attempt."""
    return called.upstream.bodies[-1].closed_at[0] - called.upstream.seen[0].at


@async_ways
def test_an_asynchronous_call_ends_at_its_deadline(way: Way) -> None:
    """Whatever it is waiting for, with the library's exception for a read that took too long."""
    called = way.call(Scripted(Answer(200, after=100.0)))
    assert called.outcome == "ReadTimeout"
    assert isinstance(called.error, way.library.ReadTimeout)


@our_clients
def test_a_body_is_part_of_our_clients_call(way: Way) -> None:
    """A server that sends a byte a second keeps every read in time; not the call."""
    called = way.call(Scripted(Answer(200, DRIP)))
    assert called.outcome == "ReadTimeout"
    assert ends(called) == pytest.approx(30, abs=1)


@every_way
def test_a_body_within_the_deadline_is_whole(way: Way) -> None:
    """Slow is not too slow."""
    called = way.call(Scripted(Answer(200, DRIP[:40])))
    assert (called.outcome, called.response.content) == (200, b"x" * 20)


@pytest.mark.parametrize("way", [way for way in WAYS if not way.ours], ids=str)
def test_a_body_is_not_part_of_a_transports_call(way: Way) -> None:
    """It cannot know what is streamed: the client's own timeouts are for that."""
    called = way.call(Scripted(Answer(200, DRIP)))
    assert called.response.content == b"x" * 60


@every_way
def test_an_errors_body_is_looked_into_only_while_there_is_time(way: Way) -> None:
    """Then the call is over, and not retried."""
    called = way.call(Scripted(Answer(503, DRIP), 200))
    assert called.attempts == 1
    if way.manner == "sync" and not way.ours:
        assert (called.outcome, called.reasons) == (503, ["deadline"])
    else:
        assert called.outcome == "ReadTimeout"
        assert ends(called) == pytest.approx(30, abs=1)


@our_clients
def test_redirects_have_one_deadline_together(way: Way) -> None:
    """And the second request what the first has left of it."""
    moved = Answer(302, headers=(("location", "/elsewhere"),), after=20.0)
    called = way.call(Scripted(moved, 200), follow_redirects=True)
    assert called.outcome == 200
    assert [seen.url for seen in called.upstream.seen] == [
        "http://up.test/v2/things",
        "http://up.test/elsewhere",
    ]
    assert called.upstream.seen[1].timeout["read"] == pytest.approx(10.0)


@our_clients
def test_a_late_call_is_a_typed_error(way: Way) -> None:
    """One that may have been acted on, whose caller is told to come again."""
    called = way.call(Scripted(Answer(200, DRIP)), raise_errors=True)
    assert isinstance(called.error, ServiceUnavailableError)
    assert called.error.upstream is not None
    assert called.error.upstream.processed
    assert called.error.retryable


@every_way
def test_a_request_that_is_sent_anew_has_all_its_time(way: Way) -> None:
    """What its first call used up is nothing to the second."""
    busy = Answer(503, headers=(("retry-after", "20"),))
    upstream = Scripted(busy, "ReadTimeout", 200)
    outcomes = way.send_twice(upstream, timeout=25.0)
    assert outcomes == ["ReadTimeout", 200]
    assert [seen.timeout["read"] for seen in upstream.seen] == [25.0, pytest.approx(10.0), 25.0]


@our_clients
def test_a_deadline_can_be_chosen(way: Way) -> None:
    """In seconds."""
    called = way.call(Scripted(Answer(200, DRIP)), policy={"deadline": 5.0})
    assert called.outcome == "ReadTimeout"
    assert ends(called) == pytest.approx(5, abs=1)


@pytest.fixture
def _five_seconds_left() -> Iterator[None]:
    token = ends_at.set(time.monotonic() + 5)
    yield
    ends_at.reset(token)


@every_way
@pytest.mark.usefixtures("_five_seconds_left")
def test_the_upstream_is_told_how_long_the_request_waits(way: Way) -> None:
    """At each attempt anew; what the caller says itself stays."""
    called = way.call(Scripted(503, 200))
    told = [float(seen.headers["x-request-deadline"]) for seen in called.upstream.seen]
    assert len(told) == 2
    assert 5 >= told[0] >= told[1] > 0
    called = way.call(Scripted(200), headers={"x-request-deadline": "1"})
    assert called.upstream.seen[0].headers["x-request-deadline"] == "1"


@our_clients
@pytest.mark.usefixtures("_five_seconds_left")
def test_a_call_is_over_before_the_request_that_it_is_made_for(way: Way) -> None:
    """Its own thirty seconds would be in vain."""
    called = way.call(Scripted(Answer(200, DRIP)))
    assert called.outcome == "ReadTimeout"
    assert ends(called) == pytest.approx(5, abs=1)


@every_way
def test_nothing_is_said_of_a_deadline_that_there_is_not(way: Way) -> None:
    """A call outside of any request has its own time alone."""
    assert deadline() is None
    assert "x-request-deadline" not in way.call(Scripted(200)).upstream.seen[0].headers
