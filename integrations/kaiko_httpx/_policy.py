"""Whether a call that failed is made again, and after how long.

No client library and no I/O: the transports ask `Call.decide` after each attempt.
Implements section 11 of the V2 contract.
"""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, Literal, NamedTuple

from kaiko_httpx._budget import RetryBudget
from kaiko_middleware.upstream import Upstream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from kaiko_middleware import KaikoError

    Hook = Callable[["RetryEvent"], object]

__all__ = ["Call", "Decision", "Reason", "RetryEvent", "RetryPolicy"]

Reason = Literal[
    "retrying",
    "not_retryable",
    "attempts",
    "deadline",
    "wait_too_long",
    "not_idempotent",
    "not_replayable",
    "budget",
]
"""Why a call is made again, or is not."""

_IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"})
# Either nothing was done, or the V2 documentation says to repeat whatever the method.
_ANY_METHOD = frozenset({408, 421, 425, 429, 500, 503})


class RetryEvent(NamedTuple):
    """What an `on_attempt` hook is told of an attempt that failed.

    `wait` is in seconds, 0 where the call is not made again.
    """

    upstream: str
    method: str
    url: str
    attempt: int
    reason: Reason
    wait: float
    error: KaikoError


class Decision(NamedTuple):
    """Whether to go on, after how many seconds, and why."""

    retry: bool
    wait: float
    reason: Reason


class RetryPolicy:
    """How calls to one upstream are made again.

    Arguments:
        upstream: the service that is called, and what its failures mean.
        attempts: attempts of one call in all, 3 by default.
        deadline: seconds for the whole call, waits included, unless it streams; 30.
        max_wait: the longest wait, in seconds, that an upstream may ask for; 60.
        wait_initial: seconds before the first retry, doubled for each further one; 1.
        wait_jitter: up to so many seconds are added at random; 1.
        budget: the upstream's retry budget; one of its own by default. Share one among all
            clients of an upstream.
        on_attempt: called with a `RetryEvent` for each attempt that failed.

    """

    __slots__ = (
        "attempts",
        "budget",
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
    ) -> None:
        self.upstream = Upstream(upstream) if isinstance(upstream, str) else upstream
        if attempts < 1:
            raise ValueError(f"attempts: {attempts!r} is not allowed; it must be at least 1")
        self.attempts = attempts
        self.deadline = deadline
        self.max_wait = max_wait
        self.wait_initial = wait_initial
        self.wait_jitter = wait_jitter
        self.budget = RetryBudget() if budget is None else budget
        self.on_attempt = tuple(on_attempt)


class Call:
    """One call: its attempts, and the time that it has left.

    Arguments:
        policy: how it is made again.
        method: the request's method.
        url: the request's URL, for the hooks.
        streams: whether its answer is streamed, which lifts the deadline.
        idempotent: whether it carries an `Idempotency-Key`.

    """

    __slots__ = ("_policy", "_repeatable", "_started", "_url", "attempt", "method", "streams")

    def __init__(
        self, policy: RetryPolicy, method: str, url: str, *, streams: bool, idempotent: bool
    ) -> None:
        self._policy = policy
        self.method = method.upper()
        self._url = url
        self.streams = streams
        self._repeatable = idempotent or self.method in _IDEMPOTENT
        self._started = time.monotonic()
        self.attempt = 1

    @property
    def remaining(self) -> float | None:
        """Seconds until the deadline; None for a call that streams."""
        if self.streams:
            return None
        return self._policy.deadline - (time.monotonic() - self._started)

    def succeeded(self) -> None:
        """Take note that the upstream answered well."""
        self._policy.budget.refund()

    def decide(self, error: KaikoError, *, replayable: bool) -> Decision:
        """Return what to do about an attempt that failed with `error`, and tell the hooks."""
        decision = self._decide(error, replayable=replayable)
        for hook in self._policy.on_attempt:
            hook(
                RetryEvent(
                    self._policy.upstream.name,
                    self.method,
                    self._url,
                    self.attempt,
                    decision.reason,
                    decision.wait,
                    error,
                )
            )
        self.attempt += 1
        return decision

    def _decide(self, error: KaikoError, *, replayable: bool) -> Decision:
        policy = self._policy
        said = error.upstream
        throttled = said is not None and said.category == "throttled"
        if not error.retryable or said is None:
            return Decision(False, 0.0, "not_retryable")
        if said.processed and said.status not in _ANY_METHOD and not self._repeatable:
            return Decision(False, 0.0, "not_idempotent")
        if not replayable:
            return Decision(False, 0.0, "not_replayable")
        if self.attempt >= policy.attempts:
            return Decision(False, 0.0, "attempts")
        asked = error.retry_after or 0.0
        if asked > policy.max_wait:
            return Decision(False, 0.0, "wait_too_long")
        jitter = random.uniform(0.0, policy.wait_jitter)  # noqa: S311 - spreads load, hides nothing
        wait = max(asked, policy.wait_initial * 2 ** (self.attempt - 1) + jitter)
        remaining = self.remaining
        if remaining is not None and wait >= remaining:
            return Decision(False, 0.0, "deadline")
        if not policy.budget.spend(throttled=throttled):
            return Decision(False, 0.0, "budget")
        return Decision(True, wait, "retrying")
