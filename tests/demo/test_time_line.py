"""The time line of the page: a real client's decisions, in virtual time."""

from __future__ import annotations

import asyncio
import time

import pytest

from kaiko_cli.time_line import Plan, TimeLine, play
from kaiko_cli.virtual_time import run_in_virtual_time
from kaiko_cli.wire import Received
from kaiko_demo import Request
from kaiko_httpx import RetryBudget
from kaiko_middleware import (
    KaikoError,
    NotFoundError,
    RateLimitError,
    ServerError,
    ServiceUnavailableError,
    render,
)

GET = Request("GET", "/v2/models")
POST = Request("POST", "/v2/chat", {"Content-Type": "application/json"}, b"{}")
CUT = Received(200, (("Content-Type", "text/plain"),), b"joy\n", "the answer was cut off")


def answer(error: KaikoError) -> Received:
    return Received(*render(error, "req-0000000001"))


def kinds(line: TimeLine) -> list[str]:
    return [step.kind for step in line.steps]


def last(line: TimeLine) -> str:
    return line.steps[-1].text


def test_a_minute_of_virtual_time_passes_in_no_time() -> None:
    """And is measured as a minute."""

    async def wait() -> float:
        await asyncio.sleep(60)
        return asyncio.get_running_loop().time()

    began = time.monotonic()
    assert run_in_virtual_time(wait()) == pytest.approx(60)
    assert time.monotonic() - began < 30


def test_an_error_that_may_pass_is_tried_three_times() -> None:
    """With waits of one and of two seconds, and up to a second of jitter each."""
    budget = RetryBudget()
    line = play(answer(ServerError()), POST, Plan(seconds=0.5), budget)
    assert kinds(line) == ["attempt", "wait", "attempt", "wait", "attempt", "end"]
    first, second = (step for step in line.steps if step.kind == "wait")
    assert 1 <= first.end - first.start <= 2
    assert 2 <= second.end - second.start <= 3
    assert (line.tokens_before, first.tokens, second.tokens, budget.tokens) == (500, 486, 472, 472)
    assert line.steps[0][1:3] == (0.0, 0.5)
    assert line.steps[2].start == pytest.approx(first.end)
    assert "1 s and 0." in first.text or "1 s and 1.0" in first.text
    assert last(line) == (
        "Stop: that was the last of 3 attempts. The caller gets ServerError: 500 internal."
    )


def test_a_client_waits_as_long_as_it_is_asked() -> None:
    """And gives up where the next wait would end after the deadline."""
    line = play(answer(RateLimitError(retry_after=20)), GET, Plan(), RetryBudget())
    (wait,) = (step for step in line.steps if step.kind == "wait")
    assert wait.end - wait.start == pytest.approx(20)
    assert wait.asked == 20
    assert "as Retry-After asks" in wait.text
    assert wait.tokens == 495
    assert "after the deadline of 30 s" in last(line)
    assert line.deadline == 30


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (NotFoundError(), "the same every time. The caller gets NotFoundError: 404 not_found."),
        (ServerError(retryable=False), "the same every time. The caller gets ServerError"),
        (ServiceUnavailableError(retry_after=61), "a wait of more than 60 s"),
    ],
)
def test_an_error_that_will_not_pass_in_time_is_not_repeated(error: KaikoError, said: str) -> None:
    """One attempt, and the reason."""
    line = play(answer(error), GET, Plan(), RetryBudget())
    assert kinds(line) == ["attempt", "end"]
    assert said in last(line)


def test_a_service_that_recovers_is_answered_to() -> None:
    """After as many failures as it was told to have; a success gives a token back."""
    budget = RetryBudget()
    line = play(answer(ServerError()), GET, Plan(failures=1), budget)
    assert [step.status for step in line.steps if step.kind == "attempt"] == [500, 200]
    assert last(line) == "The caller gets the answer: 200."
    assert budget.tokens == 487


def test_an_empty_budget_stops_retries() -> None:
    """Nobody sends more to a service that is down."""
    line = play(answer(ServerError()), GET, Plan(), RetryBudget(capacity=13))
    assert kinds(line) == ["attempt", "end"]
    assert "the retry budget is used up" in last(line)


def test_a_stack_that_is_gone_is_a_connection_that_fails() -> None:
    """Which is tried again, too."""
    gone = Received(0, (), b"", "no answer")
    line = play(gone, GET, Plan(), RetryBudget())
    assert [step.status for step in line.steps if step.kind == "attempt"] == [0, 0, 0]
    assert line.steps[0].text == "Attempt 1: no answer."
    assert "ServiceUnavailableError: 503" in last(line)


def test_a_post_whose_answer_was_cut_needs_a_key_to_be_repeated() -> None:
    """It may have been processed."""
    line = play(CUT, POST, Plan(), RetryBudget())
    assert kinds(line) == ["attempt", "end"]
    assert "without an Idempotency-Key" in last(line)
    assert kinds(play(CUT, POST, Plan(has_key=True), RetryBudget())).count("attempt") == 3


def test_a_stream_that_was_handed_over_is_not_repeated() -> None:
    """There is no deadline; the caller has read what arrived."""
    line = play(CUT, POST, Plan(streamed=True), RetryBudget())
    assert kinds(line) == ["attempt", "end"]
    assert last(line) == "The caller reads what arrived, then gets RemoteProtocolError."
    assert line.deadline is None


def test_a_stream_with_the_error_at_its_end_is_read_to_its_end() -> None:
    """Its status stays 200."""
    whole = Received(200, (("Content-Type", "text/event-stream"),), b"event: error\ndata: {}\n\n")
    line = play(whole, POST, Plan(streamed=True), RetryBudget())
    assert last(line) == "The caller reads the stream to its end; its status is 200."
