"""Whether to retry a failed call, and after how long.

This module uses no client library and does no I/O: the transports call `Call.decide` after each
attempt.
Implements section 11 of the V2 contract.
"""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, Literal, NamedTuple

import stamina

from kaiko_httpx._budget import RetryBudget, budget_of, check_int
from kaiko_middleware import current_request_id
from kaiko_middleware.arguments import wrong_argument
from kaiko_middleware.report import RequestInfo, report_failure
from kaiko_middleware.safe_exception import text_of
from kaiko_middleware.settings_check import hooks_of, is_plain_callable, refuse
from kaiko_middleware.upstream import Upstream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from kaiko_httpx._deadline import Deadline
    from kaiko_middleware import KaikoError

    Hook = Callable[["RetryEvent"], object]

__all__ = ["Call", "Decision", "Reason", "RetryEvent", "RetryPolicy", "policy_of"]

Reason = Literal[
    "retrying",
    "not_retryable",
    "not_idempotent",
    "not_replayable",
    "attempts",
    "wait_too_long",
    "deadline",
    "budget",
    "switched_off",
]
"""Why a call is retried, or not."""

_IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"})
# The V2 documentation retries 429, 500 and 503 for any method. By RFC 9110 and 8470, 408, 421 and
# 425 mean that the request was not processed. Overloaded LLM providers refuse requests with 529.
_ANY_METHOD = frozenset({408, 421, 425, 429, 500, 503, 529})


class RetryEvent(NamedTuple):
    """A failed attempt, for an `on_attempt` hook.

    `url` is the scheme and the host: a path may hold a key, and events are logged. `wait` is in
    seconds, 0 if the call is not retried. `error` is the typed error; `error.upstream` has what
    the upstream said.
    """

    upstream: str
    method: str
    url: str
    attempt: int
    reason: Reason
    wait: float
    error: KaikoError


class Decision(NamedTuple):
    """Whether to retry, after how many seconds, and why."""

    retry: bool
    wait: float
    reason: Reason


class RetryPolicy:
    """How calls to one upstream are retried.

    Arguments:
        upstream: the service to call, and what its failures mean.
        attempts: attempts of one call in total, 3 by default.
        deadline: seconds for the whole call, including waits, unless it streams; 30.
        max_wait: the longest wait, in seconds, that an upstream may ask for; 60.
        wait_initial: seconds before the first retry, doubled for each further one; 1.
        wait_jitter: the most seconds that are added at random; 1.
        budget: the retry budget; by default that of `upstream`, which all policies for the same
            `Upstream` share. A name as a text makes a new upstream each time.
        on_attempt: called with a `RetryEvent` for each failed attempt; if a hook raises, that is
            logged, and the call goes on.
        clock: returns seconds, `time.monotonic` by default.

    Raises:
        ConfigError: a value is not allowed.

    """

    __slots__ = (
        "attempts",
        "budget",
        "clock",
        "deadline",
        "max_wait",
        "on_attempt",
        "upstream",
        "wait_initial",
        "wait_jitter",
    )

    def __init__(
        self,
        upstream: Upstream | str = "upstream",
        *,
        attempts: int = 3,
        deadline: float = 30.0,
        max_wait: float = 60.0,
        wait_initial: float = 1.0,
        wait_jitter: float = 1.0,
        budget: RetryBudget | None = None,
        on_attempt: Iterable[Hook] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        check_int("attempts", attempts, 1)
        for name, value, least in (
            ("deadline", deadline, 0.001),
            ("max_wait", max_wait, 0),
            ("wait_initial", wait_initial, 0),
            ("wait_jitter", wait_jitter, 0),
        ):
            _check_seconds(name, value, least)
        self.upstream: Upstream = _upstream_of(upstream)
        self.attempts: int = attempts
        self.deadline: float = deadline
        self.max_wait: float = max_wait
        self.wait_initial: float = wait_initial
        self.wait_jitter: float = wait_jitter
        self.budget: RetryBudget = _given_or_shared(budget, self.upstream)
        self.on_attempt: tuple[Hook, ...] = hooks_of("on_attempt", on_attempt, "a RetryEvent")
        if not is_plain_callable(clock):
            refuse("clock", clock, "a plain function that returns seconds")
        self.clock: Callable[[], float] = clock


def _check_seconds(key: str, value: object, least: float) -> None:
    # The comparison is false for NaN as well.
    if isinstance(value, bool) or not isinstance(value, int | float) or not value >= least:
        refuse(key, value, f"a number of seconds, at least {least}")


def _upstream_of(value: object) -> Upstream:
    if isinstance(value, Upstream):
        return value
    if not isinstance(value, str):
        refuse("upstream", value, "an Upstream or the name of one")
    if "://" in value:
        say = 'a name, and the URL follows it: Client("billing", base_url="https://…")'
        refuse("upstream", text_of(value), say)
    return Upstream(value)


def policy_of(value: object) -> RetryPolicy:
    """Return the policy that was given, or the default; raises `TypeError`."""
    if value is None:
        return RetryPolicy()
    if not isinstance(value, RetryPolicy):
        raise wrong_argument("policy takes a kaiko_httpx.RetryPolicy", value)
    return value


def _given_or_shared(value: object, upstream: Upstream) -> RetryBudget:
    if value is None:
        return budget_of(upstream)
    if not isinstance(value, RetryBudget):
        refuse("budget", value, "a RetryBudget")
    return value


class Call:
    """One call: its attempts, and the time that it has left.

    Arguments:
        policy: how it is retried.
        method: the request's method, in capitals.
        deadline: when it must be over; None if the answer is streamed.

    """

    __slots__ = ("_deadline", "_policy", "attempt", "method")

    def __init__(self, policy: RetryPolicy, method: str, deadline: Deadline | None) -> None:
        self._policy = policy
        self._deadline = deadline
        self.method = method
        self.attempt = 1

    def succeeded(self) -> None:
        """Record a success of the upstream."""
        self._policy.budget.refund()

    def decide(
        self, error: KaikoError, *, has_key: bool = False, replayable: bool = True, url: str = ""
    ) -> Decision:
        """Decide about a failed attempt, and call the hooks.

        Arguments:
            error: the failure.
            has_key: whether the request has an `Idempotency-Key`.
            replayable: whether the request's body can be sent again.
            url: the request's URL, for the hooks.

        """
        repeatable = has_key or self.method in _IDEMPOTENT
        decision = self._decide(error, repeatable=repeatable, replayable=replayable)
        self._tell(decision, error, url)
        self.attempt += 1
        return decision

    def _tell(self, decision: Decision, error: KaikoError, url: str) -> None:
        event = RetryEvent(
            self._policy.upstream.name,
            self.method,
            url,
            self.attempt,
            decision.reason,
            decision.wait,
            error,
        )
        for hook in self._policy.on_attempt:
            try:
                hook(event)
            except Exception as failed:  # noqa: BLE001 - a hook may raise anything
                request = RequestInfo(current_request_id() or "-", self.method, url)
                report_failure(failed, request, "an on_attempt hook failed")

    def _decide(self, error: KaikoError, *, repeatable: bool, replayable: bool) -> Decision:
        policy = self._policy
        said = error.upstream
        if not error.retryable or said is None:
            return _no("not_retryable")
        if said.processed and said.status not in _ANY_METHOD and not repeatable:
            return _no("not_idempotent")
        if not replayable:
            return _no("not_replayable")
        if self.attempt >= policy.attempts:
            return _no("attempts")
        asked = error.retry_after or 0.0
        if asked > policy.max_wait:
            return _no("wait_too_long")
        jitter = random.uniform(0.0, policy.wait_jitter)  # noqa: S311 - spreads load, hides nothing
        wait = max(asked, policy.wait_initial * 2 ** (self.attempt - 1) + jitter)
        if self._deadline is not None and not self._deadline.allows(wait):
            return _no("deadline")
        if not stamina.is_active():
            return _no("switched_off")
        if not policy.budget.spend(throttled=said.category == "throttled"):
            return _no("budget")
        return Decision(True, wait, "retrying")


def _no(reason: Reason) -> Decision:
    return Decision(False, 0.0, reason)
