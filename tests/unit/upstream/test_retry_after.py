"""How long an upstream asked to wait: read in one order, passed on as whole seconds."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaiko_middleware import render
from kaiko_middleware.upstream import Upstream

if TYPE_CHECKING:
    from kaiko_middleware import KaikoError

NOW = 1_792_990_400.0  # 2026-10-26T04:53:20Z
ANSWERED = "Mon, 26 Oct 2026 04:53:20 GMT"


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stop the clock that is asked where an answer has no date."""
    monkeypatch.setattr("time.time", lambda: NOW)


def ask(headers: dict[str, str], body: object = None, status: int = 429) -> KaikoError:
    """Return the error of an answer."""
    raw = b"" if body is None else json.dumps(body).encode()
    error = Upstream("up").error_from_response(status, headers, raw)
    assert error is not None
    return error


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("1", 1),
        ("  12  ", 12),
        ("\t7", 7),
        ("0012", 12),
        ("1.2", 2),
        ("0.001", 1),
        ("5.0", 5),
        ("86400", 86_400),
        ("86401", 86_400),
        ("999999999", 86_400),
        ("1000000000", None),
        ("0", None),
        ("0.0", None),
        ("-5", None),
        ("+5", None),
        ("5s", None),
        (".5", None),
        ("5.", None),
        ("1e3", None),
        ("0x10", None),
        ("1_000", None),
        ("\u0661", None),
        ("inf", None),
        ("nan", None),
        ("5, 10", None),
        ("5 10", None),
        ("", None),
        ("soon", None),
        ("9" * 5000, None),
    ],
    ids=lambda value: str(value)[:12] or "empty",
)
def test_seconds(said: str, seconds: int | None) -> None:
    """Plain decimals, rounded up and clamped to a day; everything else is dropped."""
    assert ask({"Retry-After": said}).retry_after == seconds


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("Mon, 26 Oct 2026 04:54:20 GMT", 60),
        ("Monday, 26-Oct-26 04:54:20 GMT", 60),
        ("Mon Oct 26 04:54:20 2026", 60),
        ("Sun Nov  1 04:53:20 2026", 86_400),
        ("mon, 26 oct 2026 04:54:20 gmt", 60),
        ("Mon, 26 Oct 2026 04:53:60 GMT", 39),
        ("Mon, 26 Oct 2026 04:53:20 GMT", None),
        ("Mon, 26 Oct 2026 04:53:19 GMT", None),
        ("Sunday, 06-Nov-94 08:49:37 GMT", None),
        ("Monday, 26-Oct-99 04:54:20 GMT", None),
        ("Monday, 26-Oct-76 04:54:20 GMT", 86_400),
        ("Mon, 26 Oct 2026 04:54:20 +0200", None),
        ("Mon, 26 Oct 2026 04:54:20", None),
        ("Mon, 31 Feb 2027 04:54:20 GMT", None),
        ("Mon, 26 Oct 2026 25:54:20 GMT", None),
        ("Mon, 26 Oct 2026 04:53:99 GMT", None),
        ("Mon, 26 Oct 0000 04:54:20 GMT", None),
        ("2026-10-26T04:54:20Z", None),
        ("tomorrow at noon", None),
        ("Mon, 26 Oct 2026 04:54:20 GMT, Mon, 26 Oct 2026 04:54:20 GMT", None),
    ],
)
@pytest.mark.parametrize("dated", [True, False])
def test_dates(said: str, seconds: int | None, *, dated: bool) -> None:
    """The three HTTP dates and no other, against the answer's own date where it has one."""
    headers = {"retry-after": said} | ({"date": ANSWERED} if dated else {})
    assert ask(headers).retry_after == seconds


def test_answers_own_date_counts_more_than_our_clock() -> None:
    """Two machines' clocks never agree."""
    headers = {"retry-after": "Mon, 26 Oct 2020 04:00:10 GMT"}
    assert ask(headers).retry_after is None
    assert ask({**headers, "date": "Mon, 26 Oct 2020 04:00:00 GMT"}).retry_after == 10
    assert ask({**headers, "date": "yesterday"}).retry_after is None


# In the contract's order: header fields, members of the body's `error`, and what both say.
PLACES: list[tuple[dict[str, str], dict[str, object], int]] = [
    ({"retry-after-ms": "1500"}, {}, 2),
    ({"x-ms-retry-after-ms": "2500"}, {}, 3),
    ({"x-amz-retry-after": "3500"}, {}, 4),
    ({"retry-after": "5"}, {}, 5),
    ({"ratelimit": '"day";r=0;t=6'}, {}, 6),
    ({}, {"details": [{"@type": "x/google.rpc.RetryInfo", "retryDelay": "6.5s"}]}, 7),
    ({}, {"retry_after": 7.5}, 8),
    ({}, {"estimated_time": 8.5}, 9),
]


@pytest.mark.parametrize("place", range(len(PLACES)))
def test_first_place_counts(place: int) -> None:
    """Milliseconds before seconds, headers before the body, in the contract's order."""
    headers: dict[str, str] = {}
    error: dict[str, object] = {}
    for more, said, _ in PLACES[place:]:
        headers |= more
        error |= said
    assert ask(headers, {"error": error}).retry_after == PLACES[place][2]


def test_place_that_says_nothing_usable_is_passed_over() -> None:
    """A zero or a list is no wish; the next place may have one."""
    assert ask({"retry-after-ms": "0", "retry-after": "4"}).retry_after == 4
    assert ask({"retry-after": "1, 2", "ratelimit": "x;t=9"}).retry_after == 9
    assert ask({"retry-after": "0"}, {"retry_after": True, "estimated_time": 3}).retry_after == 3


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ('"default";r=0;t=30', 30),
        ('"default";r=50;t=30', 30),
        ('"default" ; r=0 ; t=30 ', 30),
        ('"a";r=9;t=3, "b";r=0;t=60', 60),
        ('"a";r=9;t=3, "b";r=8;t=60', 3),
        ('"a;t=5";r=0;t=7', 7),
        ('"a\\";t=5";t=7', 7),
        ('"a;t=5', None),
        ("limit=100, remaining=0, reset=23", None),
        ("x;t=0", None),
        ("x;t=1e3", None),
        ("x;t=1234567890", None),
        ("t=5", None),
    ],
)
def test_rate_limit_field(said: str, seconds: int | None) -> None:
    """`RateLimit: …;t=`, of several policies the spent one's."""
    assert ask({"RateLimit": said}).retry_after == seconds


@pytest.mark.parametrize("name", ["RateLimit-Reset", "X-RateLimit-Reset", "X-Retry-In"])
def test_fields_without_a_unit_are_not_guessed(name: str) -> None:
    """Some send seconds there, some a moment, some milliseconds."""
    assert ask({name: "23"}).retry_after is None


@pytest.mark.parametrize(
    ("body", "seconds"),
    [
        ({"retry_after": 3}, 3),
        ({"retry_after": "3.2"}, 4),
        ({"retry_after": 10**9}, None),
        ({"retry_after": -3}, None),
        ({"retry_after": 0}, None),
        ({"retry_after": False}, None),
        ({"retry_after": float("nan")}, None),
        ({"retry_after": float("inf")}, None),
        ({"retry_after": [3]}, None),
        ({"retry_after": {"seconds": 3}}, None),
        ({"estimated_time": 123_456}, 86_400),
        ({"message": "Please retry after 8 seconds"}, None),
        ({"details": [{"@type": "google.rpc.RetryInfo", "retryDelay": "0.5s"}]}, 1),
        ({"details": [{"@type": "google.rpc.RetryInfo", "retryDelay": "5"}]}, None),
        ({"details": [{"@type": "google.rpc.RetryInfo", "retryDelay": 5}]}, None),
        ({"details": [{"@type": "google.rpc.NoRetryInfo", "retryDelay": "5s"}]}, None),
        ({"details": [{"@type": ["google.rpc.RetryInfo"], "retryDelay": "5s"}, 3]}, None),
        ({"details": {"@type": "google.rpc.RetryInfo", "retryDelay": "5s"}}, None),
        ([{"error": {"retry_after": 4}}], 4),
    ],
    ids=str,
)
def test_structured_fields_of_the_body(body: object, seconds: int | None) -> None:
    """Numbers where numbers are due; prose never counts."""
    assert ask({}, body).retry_after == seconds


def test_exponent_in_a_body_is_dropped_as_in_a_header() -> None:
    """JSON allows it, the grammar of a wait does not."""
    error = Upstream("up").error_from_response(429, {}, b'{"retry_after": 1e3}')
    assert error is not None
    assert error.retry_after is None


def test_wait_is_sent_again_in_seconds() -> None:
    """The caller's own retry waits for the upstream's sake."""
    headers = dict(render(ask({"retry-after-ms": "2400"}), "req-0000000000").headers)
    assert headers["Retry-After"] == "3"


@pytest.mark.parametrize("status", [400, 401, 301, 501])
def test_wait_is_not_passed_on_where_waiting_is_no_help(status: int) -> None:
    """A request that was rejected is rejected in an hour, too."""
    assert ask({"retry-after": "3"}, status=status).retry_after is None


@given(
    st.dictionaries(
        st.sampled_from(
            ["retry-after", "retry-after-ms", "x-amz-retry-after", "ratelimit", "date"]
        ),
        st.one_of(
            st.text(),
            st.from_regex(r"[0-9.]{1,12}"),
            st.from_regex(r'("[a-z";t=\\]*")?;?\s?[rt]=[0-9]{1,12}', fullmatch=True),
            st.sampled_from([ANSWERED, "Monday, 26-Oct-76 04:54:20 GMT"]),
        ),
    ),
    st.recursive(st.none() | st.floats() | st.integers() | st.text(), st.lists),
)
def test_whatever_is_said_is_whole_seconds_of_a_day_or_nothing(
    headers: dict[str, str], said: object
) -> None:
    """Nobody waits a fraction, a negative time or a year."""
    body = json.dumps({"retry_after": said, "error": {"details": said}})
    error = Upstream("up").error_from_response(503, headers, body)
    assert error is not None
    wait = error.retry_after
    assert wait is None or (isinstance(wait, int) and 1 <= wait <= 86_400)
