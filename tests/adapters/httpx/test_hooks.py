"""What `on_attempt` hooks are told, and that they can do no harm; what stamina is told."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest
import stamina
from stamina.instrumentation import RetryDetails, set_on_retry_hooks

from adapters.httpx.scripted import Answer, Scripted, Step
from adapters.httpx.ways import PLAIN, Way, every_way
from kaiko_httpx import RetryBudget, RetryEvent
from kaiko_middleware import RateLimitError
from kaiko_middleware.upstream import Upstream

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any


@every_way
def test_a_hook_is_told_of_each_attempt_that_failed(way: Way) -> None:
    """What was called, which attempt it was, what failed, and what is done about it."""
    answer = Answer(429, (b'{"hint": "sk-0123456789abcdefghij"}',), (("x-request-id", "up-1"),))
    billing = {"upstream": Upstream("billing")}
    called = way.call(Scripted(answer, 404), "POST", policy=billing, url="http://u:p@up.test/a?k=1")
    first, second = called.events
    assert first[:5] == ("billing", "POST", "http://up.test", 1, "retrying")
    assert first.wait == pytest.approx(called.waits[0])
    assert isinstance(first.error, RateLimitError)
    said = first.error.upstream
    assert said is not None
    assert (said.name, said.category, said.status, said.request_id) == (
        "billing",
        "throttled",
        429,
        "up-1",
    )
    assert said.excerpt == '{"hint": "sk-***"}'
    assert (second.attempt, second.reason, second.wait) == (2, "not_retryable", 0)


@every_way
def test_a_hook_hears_nothing_of_a_success(way: Way) -> None:
    """It is about failures."""
    assert way.call(Scripted(200)).events == []


_REASONS: list[tuple[str, Step, str, dict[str, Any]]] = [
    ("not_retryable", 404, "GET", {}),
    ("not_idempotent", 502, "POST", {}),
    ("attempts", 503, "GET", {"attempts": 1}),
    ("wait_too_long", Answer(503, headers=(("retry-after", "61"),)), "GET", {}),
    ("deadline", Answer(503, headers=(("retry-after", "30"),)), "GET", {}),
    ("budget", 503, "GET", {"budget": RetryBudget(1)}),
]


@pytest.mark.parametrize(("reason", "step", "method", "policy"), _REASONS)
def test_a_hook_is_told_why_a_call_is_not_made_again(
    reason: str, step: Step, method: str, policy: dict[str, Any]
) -> None:
    """One word for each reason; a body that cannot be sent again is one more."""
    assert PLAIN.call(Scripted(step), method, policy=policy).reasons == [reason]


@every_way
def test_a_hook_that_raises_harms_nothing(way: Way, caplog: pytest.LogCaptureFixture) -> None:
    """It is logged; the hooks after it are called, and the call goes on."""
    told: list[RetryEvent] = []

    def broken(_event: RetryEvent) -> None:
        raise RuntimeError("the hook's own bug")

    with caplog.at_level(logging.ERROR, logger="kaiko"):
        called = way.call(Scripted(503, 200), policy={"on_attempt": [broken, told.append]})
    assert called.outcome == 200
    assert [event.reason for event in told] == ["retrying"]
    (record,) = [record for record in caplog.records if record.name.startswith("kaiko")]
    assert (record.exc_info or (None,))[0] is RuntimeError


@pytest.fixture
def stamina_hears() -> Iterator[list[RetryDetails]]:
    """What stamina's own instrumentation is told."""
    heard: list[RetryDetails] = []

    def hear(details: RetryDetails) -> None:
        heard.append(details)

    set_on_retry_hooks([hear])
    yield heard
    set_on_retry_hooks(None)


@every_way
def test_stamina_is_told_of_each_wait(way: Way, stamina_hears: list[RetryDetails]) -> None:
    """Whoever watches stamina's retries sees ours."""
    called = way.call(Scripted(Answer(503, headers=(("retry-after", "9"),)), 200))
    assert called.outcome == 200
    (details,) = stamina_hears
    assert details.wait_for == pytest.approx(9)
    assert str(details.caused_by) == "503 service_unavailable"


@pytest.fixture
def _switched_off() -> Iterator[None]:
    stamina.set_active(False)
    yield
    stamina.set_active(True)


@every_way
@pytest.mark.usefixtures("_switched_off")
def test_stamina_that_is_switched_off_switches_retries_off(way: Way) -> None:
    """The caller sees the first failure, and the hooks why."""
    called = way.call(Scripted(503, 200))
    assert (called.outcome, called.attempts) == (503, 1)
    assert called.reasons == ["switched_off"]


@every_way
def test_stamina_under_test_waits_for_nothing_and_makes_fewer_attempts(way: Way) -> None:
    """A service's own tests see the failure that a user would see, and no exception of ours."""
    with stamina.set_testing(True, attempts=2):
        called = way.call(Scripted(503, Answer(503, (b"real", b" one")), 200))
        assert (called.outcome, called.attempts, called.waits) == (503, 2, [0])
        assert called.response.content == b"real one"
        failed = way.call(Scripted(503, "ReadTimeout", 200))
        assert (failed.outcome, failed.attempts) == ("ReadTimeout", 2)
