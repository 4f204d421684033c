"""How long is waited between attempts, and when that is too long to be worth it."""

from __future__ import annotations

import random
from email.utils import formatdate
from unittest import mock

import httpx2
import pytest

from adapters.httpx.scripted import Answer, Scripted
from adapters.httpx.ways import PLAIN, Called, Way, every_way
from kaiko_httpx import RetryPolicy, RetryTransport


def asking(name: str, value: str, *more: tuple[str, str], status: int = 503) -> Scripted:
    """Return an upstream that asks for a wait once, and answers well then."""
    return Scripted(Answer(status, headers=((name, value), *more)), 200)


def waited(called: Called) -> float:
    """Return the one wait of a call that went well in the end."""
    assert called.outcome == 200
    (wait,) = called.waits
    return wait


@every_way
def test_waits_double_and_are_spread_at_random(way: Way) -> None:
    """One second, then two, and up to one more each time."""
    for seed in range(5):
        random.seed(seed)
        first, second = way.call(Scripted(503)).waits
        assert 1 <= first <= 2
        assert 2 <= second <= 3
        assert first % 1, "no jitter"
        assert first % 1 != pytest.approx(second % 1), "the same jitter again"


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_waits_have_the_shape_that_was_chosen(share: float) -> None:
    """`wait_initial` doubles; `wait_jitter` is what is added at most."""
    chosen = {"wait_initial": 0.5, "wait_jitter": 0.2, "attempts": 5}
    with mock.patch.object(random, "uniform", lambda low, high: low + share * (high - low)):
        waits = PLAIN.call(Scripted(503), policy=chosen).waits
    assert waits == pytest.approx([base + 0.2 * share for base in (0.5, 1, 2, 4)])


@every_way
@pytest.mark.parametrize("status", [429, 503, 500])
def test_what_the_upstream_asked_for_is_waited(way: Way, status: int) -> None:
    """Not less, and no more than that where it is the longer wait."""
    assert waited(way.call(asking("Retry-After", "7", status=status))) == pytest.approx(7)


def test_backoff_is_waited_where_the_upstream_asked_for_less() -> None:
    """At least what was asked, at least what the policy says."""
    called = PLAIN.call(asking("Retry-After", "1"), policy={"wait_initial": 4, "wait_jitter": 0})
    assert waited(called) == pytest.approx(4)


@pytest.mark.parametrize(
    ("name", "value", "seconds"),
    [
        ("Retry-After", "5", 5),
        ("Retry-After", "4.2", 5),
        ("retry-after-ms", "6100", 7),
        ("x-ms-retry-after-ms", "8000", 8),
        ("x-amz-retry-after", "2600", 3),
        ("RateLimit", '"default";r=0;t=9', 9),
        ("Retry-After", formatdate(1_000_000_006, usegmt=True), 6),
        ("Retry-After", "Sunday, 09-Sep-01 01:46:46 GMT", 6),
        ("Retry-After", "Sun Sep  9 01:46:46 2001", 6),
    ],
)
def test_a_wait_can_be_asked_for_in_many_forms(name: str, value: str, seconds: float) -> None:
    """Seconds, milliseconds, rate limits, and HTTP's dates against the answer's own."""
    answered = ("Date", formatdate(1_000_000_000, usegmt=True))
    assert waited(PLAIN.call(asking(name, value, answered))) == pytest.approx(seconds)


@every_way
def test_a_wait_can_be_asked_for_in_the_body(way: Way) -> None:
    """As Google and Hugging Face do."""
    body = b'{"error": {"details": [{"@type": "a/google.rpc.RetryInfo", "retryDelay": "11s"}]}}'
    assert waited(way.call(Scripted(Answer(429, (body,)), 200))) == pytest.approx(11)


@pytest.mark.parametrize("value", ["0", "-1", "soon", "1e9", "inf", "nan", "", "5, 6"])
def test_a_wait_that_makes_no_sense_is_ignored(value: str) -> None:
    """The policy's own wait is taken."""
    assert 1 <= waited(PLAIN.call(asking("Retry-After", value))) <= 2


@every_way
def test_longer_than_a_minute_is_not_waited(way: Way) -> None:
    """The caller gets the answer at once, whatever time there is."""
    called = way.call(asking("Retry-After", "61"), policy={"deadline": 1000.0})
    assert (called.outcome, called.attempts) == (503, 1)
    assert called.reasons == ["wait_too_long"]
    assert waited(way.call(asking("Retry-After", "60"), policy={"deadline": 1000.0})) == (
        pytest.approx(60)
    )


@every_way
def test_what_ends_past_the_deadline_is_not_waited(way: Way) -> None:
    """The whole call takes 30 s at most: 30 s of waiting leave nothing to ask in."""
    called = way.call(asking("Retry-After", "30"))
    assert (called.outcome, called.attempts) == (503, 1)
    assert called.reasons == ["deadline"]
    assert waited(way.call(asking("Retry-After", "29"))) == pytest.approx(29)


@every_way
def test_the_deadline_is_the_calls_and_not_an_attempts(way: Way) -> None:
    """What the first wait took, the second has no more."""
    called = way.call(Scripted(Answer(503, headers=(("Retry-After", "16"),))))
    assert (called.outcome, called.attempts) == (503, 2)
    assert called.waits == [pytest.approx(16)]
    assert called.reasons == ["retrying", "deadline"]


@every_way
def test_no_operation_may_take_longer_than_the_call_has_left(way: Way) -> None:
    """Of each attempt: connecting, reading, writing, and waiting for the pool."""
    called = way.call(asking("Retry-After", "20"), timeout=25.0)
    first, second = (seen.timeout for seen in called.upstream.seen)
    assert first == dict.fromkeys(("connect", "read", "write", "pool"), 25.0)
    assert second == dict.fromkeys(("connect", "read", "write", "pool"), pytest.approx(10.0))


@every_way
@pytest.mark.parametrize("seconds", [5.0, 50.0])
def test_an_answer_that_may_stream_has_its_clients_own_timeouts(way: Way, seconds: float) -> None:
    """Only of our clients' calls the body is part, where it does not stream."""
    called = way.call(Scripted(200), timeout=seconds)
    (timeout,) = called.upstream.timeouts
    assert timeout["read"] == pytest.approx(min(seconds, 30.0) if way.ours else seconds)


@every_way
def test_an_operations_own_shorter_timeout_stays(way: Way) -> None:
    """The deadline only ever shortens."""
    timeout = way.library.Timeout(None, connect=2.0)
    (seen,) = way.call(Scripted(200), timeout=timeout).upstream.seen
    assert seen.timeout["connect"] == 2.0
    assert seen.timeout["read"] == pytest.approx(30.0)


def test_connections_that_were_there_before_have_the_deadline_as_well() -> None:
    """A transport that is watched may hold some that are not: the timeouts say it, too."""
    seen: list[dict[str, float]] = []

    class Used(httpx2.HTTPTransport):
        def handle_request(self, request: httpx2.Request) -> httpx2.Response:
            seen.append(dict(request.extensions["timeout"]))
            return httpx2.Response(200)

    transport = RetryTransport(Used(trust_env=False), RetryPolicy("up", clock=lambda: 0.0))
    with httpx2.Client(transport=transport, timeout=None, trust_env=False) as client:
        client.get("http://up.test/")
    assert seen == [dict.fromkeys(("connect", "read", "write", "pool"), 30.0)]
