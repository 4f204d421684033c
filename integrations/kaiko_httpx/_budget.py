"""A retry budget: it limits the retries while an upstream is down.

Retries spend tokens, and only successes earn them back. While an upstream is healthy, the bucket
is full and every retry is made. In an outage it is empty after a few dozen retries, and callers
get the real failure at once, not after three attempts.
"""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from kaiko_middleware.settings_check import refuse

if TYPE_CHECKING:
    from kaiko_middleware.upstream import Upstream

__all__ = ["RetryBudget"]


class RetryBudget:
    """A bucket of tokens shared by all calls to one upstream; safe across threads.

    Arguments:
        capacity: tokens of the full bucket, 500 by default.
        retry_cost: tokens for a retry, 14 by default.
        throttle_cost: tokens for a retry of a 429, 5 by default.
        refund: tokens that a success gives back, 1 by default.

    Raises:
        ConfigError: a number is not an int, or negative.

    Implements the budget of section 11 of the V2 contract.

    """

    __slots__ = ("_capacity", "_lock", "_refund", "_retry_cost", "_throttle_cost", "_tokens")

    def __init__(
        self,
        capacity: int = 500,
        *,
        retry_cost: int = 14,
        throttle_cost: int = 5,
        refund: int = 1,
    ) -> None:
        for key, value in (
            ("capacity", capacity),
            ("retry_cost", retry_cost),
            ("throttle_cost", throttle_cost),
            ("refund", refund),
        ):
            check_int(key, value, 0)
        self._capacity = capacity
        self._retry_cost = retry_cost
        self._throttle_cost = throttle_cost
        self._refund = refund
        self._tokens = capacity
        self._lock = Lock()

    @property
    def tokens(self) -> int:
        """The tokens left."""
        return self._tokens

    def spend(self, *, throttled: bool) -> bool:
        """Take the tokens for a retry; return False, and take nothing, if there are too few."""
        cost = self._throttle_cost if throttled else self._retry_cost
        with self._lock:
            if self._tokens < cost:
                return False
            self._tokens -= cost
            return True

    def refund(self) -> None:
        """Give back the tokens of a success."""
        if self._tokens < self._capacity:  # a full bucket needs no lock
            with self._lock:
                self._tokens = min(self._capacity, self._tokens + self._refund)


_budgets: WeakKeyDictionary[Upstream, RetryBudget] = WeakKeyDictionary()
_creating = Lock()


def budget_of(upstream: Upstream) -> RetryBudget:
    """Return the budget that all policies for an upstream share, as long as it exists."""
    with _creating:
        return _budgets.setdefault(upstream, RetryBudget())


def check_int(key: str, value: object, least: int) -> None:
    """Refuse a value that is not an int of at least `least`; bools are refused too."""
    if type(value) is not int or value < least:
        refuse(key, value, f"an int of at least {least}")
