"""Rates: what a limit's text says, and that nobody gets more than it or waits in vain."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaiko_guards._rates import Rate, Verdict, parse_rates, tightest
from kaiko_middleware.settings_check import ConfigError


@pytest.mark.parametrize(
    ("text", "limits", "periods"),
    [
        ("100/minute", [100], [60]),
        ("100/minute;5/second", [100, 5], [60, 1]),
        (" 20 / 10 seconds ; 1 per day", [20, 1], [10, 86_400]),
        ("7/2hours", [7], [7200]),
    ],
)
def test_a_text_names_rates(text: str, limits: list[int], periods: list[float]) -> None:
    """As people write them."""
    rates = parse_rates("rates", text)
    assert [rate.limit for rate in rates] == limits
    assert [rate.period for rate in rates] == periods


@pytest.mark.parametrize(
    "text",
    [
        "",
        "100",
        "0/minute",
        "-1/minute",
        "5/fortnight",
        "5/minute;",
        "1/32 days",
        "1e3/day",
        5,
        None,
    ],
)
def test_any_other_text_is_refused(text: object) -> None:
    """With one line that shows what is allowed."""
    with pytest.raises(ConfigError, match=r"^rates: .* must be rates such as '100/minute'"):
        parse_rates("rates", text)


def test_a_rate_shows_what_it_is() -> None:
    """In messages and in a debugger."""
    assert repr(parse_rates("rates", "5/2 minutes")[0]) == "5/120 seconds"


def test_an_idle_key_may_use_all_at_once_and_then_one_an_interval() -> None:
    """Three a minute: three now, and then one every twenty seconds."""
    rate = Rate(3, 60)
    at, told = None, []
    for _ in range(4):
        at, verdict = rate.take(at, 1000.0, 1)
        told.append((verdict.allowed, verdict.remaining, verdict.reset, verdict.retry_after))
    assert told == [(True, 2, 20, 0), (True, 1, 40, 0), (True, 0, 60, 0), (False, 0, 60, 20)]
    assert rate.take(at, 1019.9, 1)[1].allowed is False
    assert rate.take(at, 1020.0, 1)[1] == Verdict(True, 3, 0, 60.0, 0.0)


def test_a_request_that_costs_more_than_the_limit_passes_alone() -> None:
    """A batch of twenty under a limit of five would never be answered otherwise."""
    rate = Rate(5, 1)
    assert rate.take(None, 0.0, 20)[1] == Verdict(True, 5, 0, 1.0, 0.0)
    at, _ = rate.take(None, 0.0, 1)
    assert rate.take(at, 0.0, 20)[1].allowed is False


@given(
    st.integers(1, 50),
    st.sampled_from([1, 60, 3600, 86_400]),
    st.lists(st.tuples(st.floats(0, 2), st.integers(1, 5)), max_size=60),
    st.floats(0, 1e7),
)
def test_nobody_gets_more_than_the_limit(
    limit: int, period: int, steps: list[tuple[float, int]], now: float
) -> None:
    """Within any period at most twice the limit, and the limit for each period on the whole."""
    rate = Rate(limit, period)
    began, at, used = now, None, 0
    for wait, cost in steps:
        now += wait * rate.interval
        before = at
        at, verdict = rate.take(at, now, cost)
        assert 0 <= verdict.remaining <= limit
        assert 0 <= verdict.reset <= period * (1 + 1e-6)
        if verdict.allowed:
            used += min(cost, limit)
            assert verdict.retry_after == 0
        else:
            assert verdict.retry_after > 0
            assert before is not None
            assert at == pytest.approx(max(before, now))  # it cost nothing
            # Who waits as long as told is let through.
            assert rate.take(at, now + verdict.retry_after, cost)[1].allowed
    assert used <= limit + (now - began) / rate.interval + 1e-3


def test_the_client_is_told_of_the_tightest() -> None:
    """The longest wait of those that refuse, else what is used up most."""
    loose, tight = Verdict(True, 100, 90, 6.0, 0.0), Verdict(True, 5, 1, 0.8, 0.0)
    assert tightest([loose, tight]) is tight
    short, long = Verdict(False, 5, 0, 1.0, 0.2), Verdict(False, 100, 0, 60.0, 0.6)
    assert tightest([loose, short, long]) is long
