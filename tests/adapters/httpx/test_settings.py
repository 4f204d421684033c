"""The settings of a policy and a budget: each way to be wrong is one line that says what to do."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from kaiko_httpx import RetryBudget, RetryPolicy
from kaiko_middleware import ConfigError
from kaiko_middleware.upstream import Upstream

if TYPE_CHECKING:
    from kaiko_httpx import RetryEvent


async def async_hook(_event: RetryEvent) -> None:
    """Return a coroutine that nobody would await."""


ATTEMPTS = "an int of at least 1"
TOKENS = "an int of at least 0"
LEAST = "a number of seconds, at least 0"
HOOKS = "a sequence of plain functions that take a RetryEvent"
CLOCK = "a plain function that returns seconds"
UPSTREAM = "an Upstream or the name of one"

NAME_FIRST = 'a name, and the URL follows it: Client("billing", base_url="https://…")'

# Key, value, how the value is shown, what is allowed.
WRONG: list[tuple[str, Any, str, str]] = [
    ("attempts", 0, "0", ATTEMPTS),
    ("attempts", 2.5, "2.5", ATTEMPTS),
    ("attempts", True, "True", ATTEMPTS),
    ("attempts", "3", "'3'", ATTEMPTS),
    ("attempts", None, "None", ATTEMPTS),
    ("deadline", 0, "0", f"{LEAST}.001"),
    ("deadline", float("nan"), "nan", f"{LEAST}.001"),
    ("deadline", "x", "'x'", f"{LEAST}.001"),
    ("max_wait", -1, "-1", LEAST),
    ("max_wait", True, "True", LEAST),
    ("wait_initial", -0.1, "-0.1", LEAST),
    ("wait_initial", 1j, "1j", LEAST),
    ("wait_jitter", float("nan"), "nan", LEAST),
    ("budget", 5, "5", "a RetryBudget"),
    ("budget", False, "False", "a RetryBudget"),
    ("upstream", 5, "5", UPSTREAM),
    ("upstream", None, "None", UPSTREAM),
    ("upstream", "https://u:S@x.test/?k=S", "'https://***@x.test/***'", NAME_FIRST),
    ("on_attempt", ["x"], "'x'", HOOKS),
    ("on_attempt", print, "<built-in function print>", HOOKS),
    ("clock", 5, "5", CLOCK),
    ("capacity", "x", "'x'", TOKENS),
    ("capacity", -1, "-1", TOKENS),
    ("capacity", True, "True", TOKENS),
    ("retry_cost", 1.5, "1.5", TOKENS),
    ("throttle_cost", None, "None", TOKENS),
    ("refund", -1, "-1", TOKENS),
]


@pytest.mark.parametrize(
    "wrong", WRONG, ids=[f"{number}-{wrong[0]}" for number, wrong in enumerate(WRONG)]
)
def test_a_wrong_value_is_one_line_that_names_key_value_and_what_is_allowed(
    wrong: tuple[str, Any, str, str],
) -> None:
    """As in the middleware's `Config`, and when it is made: not when a call fails."""
    key, value, shown, allowed = wrong
    made: Any = RetryBudget if allowed == TOKENS else RetryPolicy
    with pytest.raises(ConfigError) as caught:
        made(**{key: value})
    assert str(caught.value) == f"{key}: {shown} is not allowed; it must be {allowed}"


def test_an_async_hook_is_refused() -> None:
    """Nobody would await it, so nobody would ever be told."""
    hooks: Any = [async_hook]
    told = "it must be a def that takes a RetryEvent: an async def would not be awaited"
    with pytest.raises(ConfigError, match=f"on_attempt: <function async_hook .* {told}"):
        RetryPolicy(on_attempt=hooks)


def test_a_policy_names_its_upstream() -> None:
    """With a name that logs can show."""
    with pytest.raises(ConfigError, match=r"name: '' is not allowed"):
        RetryPolicy("")


def test_what_is_allowed_is_taken() -> None:
    """Whole numbers of seconds are numbers, and no limit is one, too."""
    budget, upstream = RetryBudget(0, retry_cost=0, throttle_cost=0, refund=0), Upstream("up")
    hook = partial(print, "failed:")
    policy = RetryPolicy(
        upstream,
        attempts=1,
        deadline=float("inf"),
        max_wait=0,
        wait_initial=0,
        wait_jitter=0,
        budget=budget,
        on_attempt=iter([hook]),
        clock=time.perf_counter,
    )
    assert (policy.upstream, policy.budget) == (upstream, budget)
    assert policy.on_attempt == (hook,)
    assert policy.clock is time.perf_counter
