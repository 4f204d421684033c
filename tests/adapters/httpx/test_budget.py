"""The retry budget, which keeps an outage from being multiplied."""

from __future__ import annotations

import gc
from concurrent.futures import ThreadPoolExecutor
from weakref import ref

import pytest

from adapters.httpx.scripted import Scripted
from adapters.httpx.ways import PLAIN, WAYS, Way, every_way
from kaiko_httpx import RetryBudget, RetryPolicy
from kaiko_middleware.upstream import Upstream


@every_way
def test_a_retry_costs_14_and_one_of_a_throttle_5(way: Way) -> None:
    """Of a bucket of 500."""
    budget = RetryBudget()
    assert budget.tokens == 500
    way.call(Scripted(503, 503, 404), policy={"budget": budget})
    assert budget.tokens == 500 - 14 - 14
    way.call(Scripted(429, "ConnectError", 404), policy={"budget": budget})
    assert budget.tokens == 500 - 14 - 14 - 5 - 14


@every_way
def test_a_success_gives_one_back(way: Way) -> None:
    """Up to what the bucket holds; a redirect and a 304 are successes as well."""
    budget = RetryBudget()
    way.call(Scripted(503, 200), policy={"budget": budget})
    assert budget.tokens == 500 - 14 + 1
    way.call(Scripted(304), policy={"budget": budget})
    assert budget.tokens == 500 - 14 + 2
    for status in (404, 503):
        way.call(Scripted(status), policy={"budget": budget, "attempts": 1})
    assert budget.tokens == 500 - 14 + 2


def test_a_bucket_never_holds_more_than_it_can() -> None:
    """A year of successes buys no storm."""
    budget = RetryBudget(20, refund=3)
    assert budget.spend(throttled=False)
    for _ in range(30):
        budget.refund()
    assert budget.tokens == 20


@every_way
def test_an_empty_bucket_lets_nothing_be_retried(way: Way) -> None:
    """The caller sees the real failure at once."""
    budget = RetryBudget(14 + 5)
    called = way.call(Scripted(503), policy={"budget": budget})
    assert (called.outcome, called.attempts) == (503, 2)
    assert called.reasons == ["retrying", "budget"]
    assert budget.tokens == 5
    assert way.call(Scripted(429, 200), policy={"budget": budget}).outcome == 200
    assert budget.tokens == 1
    assert way.call(Scripted(429, 200), policy={"budget": budget}).reasons == ["budget"]
    assert budget.tokens == 1


def test_what_is_not_retried_costs_nothing() -> None:
    """For whatever reason it is not."""
    budget = RetryBudget()
    policy = {"budget": budget, "attempts": 1}
    for step in (503, 404, 502, "ReadTimeout"):
        PLAIN.call(Scripted(step), "POST", policy=policy)
    assert budget.tokens == 500


def test_one_bucket_serves_all_clients_of_an_upstream() -> None:
    """Sync and async, of both libraries: what one spends, the others have no more."""
    budget = RetryBudget(14 * len(WAYS))
    for way in WAYS:
        called = way.call(Scripted(503, 404), policy={"budget": budget})
        assert called.attempts == 2
    assert budget.tokens == 0
    assert all(way.call(Scripted(503), policy={"budget": budget}).attempts == 1 for way in WAYS)


def test_an_outage_is_answered_at_once_after_a_few_dozen_retries() -> None:
    """Of 99 calls, 35 retries are made: 500 tokens at 14."""
    budget = RetryBudget()
    attempts = sum(PLAIN.call(Scripted(503), policy={"budget": budget}).attempts for _ in range(99))
    assert attempts == 99 + 35


def test_the_bucket_is_the_upstreams_by_default() -> None:
    """All who call one upstream share it, however; two upstreams do not pay for each other."""
    billing = Upstream("billing")
    assert RetryPolicy(billing).budget is RetryPolicy(billing, attempts=5).budget
    assert RetryPolicy(billing).budget is not RetryPolicy(Upstream("billing")).budget
    assert RetryPolicy("billing").budget is not RetryPolicy("billing").budget


@every_way
def test_clients_of_one_upstream_share_its_bucket(way: Way) -> None:
    """In an outage they make 35 retries between them, and each has the failure at once."""
    down = Upstream("down")
    attempts = sum(way.call(Scripted(503), policy={"upstream": down}).attempts for _ in range(40))
    assert attempts == 40 + 35


def test_a_bucket_goes_with_its_upstream() -> None:
    """Services that make an upstream for each tenant keep none that they dropped."""
    kept = [ref(RetryPolicy(f"tenant {number}").upstream) for number in range(3)]
    gc.collect()
    assert [upstream() for upstream in kept] == [None, None, None]


def test_costs_can_be_chosen() -> None:
    """All four numbers."""
    budget = RetryBudget(10, retry_cost=7, throttle_cost=2, refund=3)
    assert budget.spend(throttled=False)
    assert not budget.spend(throttled=False)
    assert budget.spend(throttled=True)
    assert budget.tokens == 1
    budget.refund()
    assert budget.tokens == 4


@pytest.mark.parametrize("threads", [4])
def test_threads_spend_no_token_twice(threads: int) -> None:
    """Spending and refunding from many at once keeps the sum."""
    budget = RetryBudget(10_000, retry_cost=1)

    def work(_: int) -> int:
        spent = sum(budget.spend(throttled=False) for _ in range(2000))
        for _ in range(500):
            budget.refund()
        return spent

    with ThreadPoolExecutor(threads) as pool:
        spent = sum(pool.map(work, range(threads)))
    assert budget.tokens == 10_000 - spent + threads * 500
