"""Which answers and failures are worth another attempt, and for which methods."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import httpx2
import pytest

from adapters.httpx.scripted import Answer, Scripted, Step
from adapters.httpx.ways import PLAIN, Way, every_way

if TYPE_CHECKING:
    from collections.abc import Callable

KEY = {"Idempotency-Key": "8e03978e"}

# Repeated whatever the method: the V2 documentation's own, and refusals to act at all.
ALWAYS: list[Step] = [408, 421, 425, 429, 500, 503, 529, "ConnectError", "ConnectTimeout"]
ALWAYS += ["PoolTimeout"]
# The request may have been acted on, and be acted on twice.
IDEMPOTENT: list[Step] = [499, 502, 504, 507, *range(520, 526), 527, 528, 530, 599]
IDEMPOTENT += ["ReadTimeout", "WriteTimeout", "ReadError", "WriteError", "CloseError"]
IDEMPOTENT += ["RemoteProtocolError"]
# An answer like the last one would come again, or somebody has to act first.
NEVER: list[Step] = [200, 204, 301, 302, 304, 400, 401, 402, 403, 404, 405, 407, 409, 410, 413]
NEVER += [418, 422, 451, 501, 505, 506, 508, 510, 511, 526]
NEVER += ["LocalProtocolError", "ProxyError", "UnsupportedProtocol", "TooManyRedirects"]
NEVER += ["DecodingError", "InvalidURL", ValueError("a bug")]


def outcome_of(step: Step) -> int | str:
    """Return what the caller is to see of a step."""
    if isinstance(step, Answer):
        return step.status
    return type(step).__name__ if isinstance(step, Exception) else step


@pytest.mark.parametrize("step", ALWAYS, ids=str)
@pytest.mark.parametrize("method", ["GET", "POST", "PATCH"])
def test_what_was_not_acted_on_is_retried_for_any_method(step: Step, method: str) -> None:
    """A success after it is what the caller gets."""
    called = PLAIN.call(Scripted(step, 200), method)
    assert (called.outcome, called.attempts) == (200, 2)


@pytest.mark.parametrize("step", IDEMPOTENT, ids=str)
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"])
def test_what_may_have_been_acted_on_is_retried_where_that_does_no_harm(
    step: Step, method: str
) -> None:
    """The idempotent methods of RFC 9110."""
    called = PLAIN.call(Scripted(step, 200), method)
    assert (called.outcome, called.attempts) == (200, 2)


@pytest.mark.parametrize("step", IDEMPOTENT, ids=str)
@pytest.mark.parametrize("method", ["POST", "PATCH", "PURGE"])
def test_what_may_have_been_acted_on_is_not_done_twice(step: Step, method: str) -> None:
    """The caller sees the first failure, after one attempt."""
    called = PLAIN.call(Scripted(step, 200), method)
    assert (called.outcome, called.attempts) == (outcome_of(step), 1)
    assert called.reasons == ["not_idempotent"]


@pytest.mark.parametrize("step", IDEMPOTENT, ids=str)
def test_an_idempotency_key_makes_any_method_repeatable(step: Step) -> None:
    """The upstream promises to act once; the key is the same in each attempt."""
    called = PLAIN.call(Scripted(step, 200), "POST", headers=KEY)
    assert (called.outcome, called.attempts) == (200, 2)
    assert {seen.headers["idempotency-key"] for seen in called.upstream.seen} == {"8e03978e"}


def test_an_empty_idempotency_key_is_none() -> None:
    """An upstream cannot tell repetitions by it."""
    called = PLAIN.call(Scripted(502, 200), "POST", headers={"Idempotency-Key": ""})
    assert (called.outcome, called.attempts) == (502, 1)


@pytest.mark.parametrize("step", NEVER, ids=str)
@pytest.mark.parametrize("headers", [{}, KEY], ids=["plain", "key"])
def test_nothing_else_is_retried(step: Step, headers: dict[str, str]) -> None:
    """Neither a success nor what would fail again, with an Idempotency-Key or without."""
    called = PLAIN.call(Scripted(step, 200), headers=headers)
    assert (called.outcome, called.attempts) == (outcome_of(step), 1)


@every_way
@pytest.mark.parametrize(
    ("step", "method", "attempts"),
    [
        (503, "POST", 2),
        (502, "POST", 1),
        (504, "PUT", 2),
        ("ReadError", "POST", 1),
        ("ReadTimeout", "GET", 2),
        ("ConnectError", "POST", 2),
        (404, "GET", 1),
    ],
)
def test_all_ways_decide_alike(way: Way, step: Step, method: str, attempts: int) -> None:
    """Sync or async, whichever library, our clients or our transports."""
    called = way.call(Scripted(step, 200), method)
    assert called.attempts == attempts
    assert called.outcome == (200 if attempts == 2 else step)


@every_way
@pytest.mark.parametrize("step", [503, "ReadTimeout"])
def test_three_attempts_are_made_and_the_last_failure_is_seen(way: Way, step: Step) -> None:
    """Neither more, nor any other failure than the real one."""
    called = way.call(Scripted("ConnectError", 500, step, 200))
    assert (called.outcome, called.attempts) == (step, 3)
    assert called.reasons == ["retrying", "retrying", "attempts"]


@pytest.mark.parametrize("attempts", [1, 2, 5])
def test_the_number_of_attempts_can_be_chosen(attempts: int) -> None:
    """One means no retries at all."""
    called = PLAIN.call(Scripted(503), policy={"attempts": attempts, "deadline": 1000})
    assert (called.outcome, called.attempts) == (503, attempts)


@every_way
@pytest.mark.parametrize("name", ["X-Should-Retry", "stripe-should-retry"])
def test_an_upstream_that_does_not_want_to_be_asked_again_is_not(way: Way, name: str) -> None:
    """Its veto counts whatever the status is."""
    called = way.call(Scripted(Answer(503, headers=((name, "false"),)), 200))
    assert (called.outcome, called.attempts) == (503, 1)
    assert called.reasons == ["not_retryable"]


@every_way
def test_an_upstream_that_wants_to_be_asked_again_is(way: Way) -> None:
    """Stripe says so of a 409 for a lock; it does not lift what is about an account."""
    wish = (("x-should-retry", "true"),)
    assert way.call(Scripted(Answer(409, headers=wish), 200)).outcome == 200
    assert way.call(Scripted(Answer(401, headers=wish), 200)).outcome == 401


ZSTD = "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"
CODINGS = [("gzip", "gzip"), ("deflate", "zlib"), ("br", "brotli"), ("zstd", ZSTD)]


@every_way
@pytest.mark.parametrize(("coding", "module"), CODINGS)
def test_a_compressed_body_tells_it_as_well(way: Way, coding: str, module: str) -> None:
    """A hard quota is not called again, a wait is kept; the body is handed over as it came."""
    compress: Callable[[bytes], bytes] = pytest.importorskip(module).compress
    quota, wait = b'{"error": {"code": "insufficient_quota"}}', b'{"retry_after": 40}'
    for body, reason in ((quota, "not_retryable"), (wait, "deadline")):
        answer = Answer(429, (compress(body),), (("content-encoding", coding),))
        called = way.call(Scripted(answer, 200))
        assert (called.outcome, called.attempts, called.reasons) == (429, 1, [reason])
        if way.library is httpx2:  # httpx has another library for zstd
            assert called.response.content == body


@every_way
def test_a_hard_quota_is_told_from_a_passing_limit_by_the_body(way: Way) -> None:
    """Waiting does not help there: an operator must act."""
    body = (b'{"error": {"code": ', b'"insufficient_quota"}}')
    called = way.call(Scripted(Answer(429, body), 200))
    assert (called.outcome, called.attempts) == (429, 1)
    assert called.response.content == b"".join(body)
