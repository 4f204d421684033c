"""What is left of the limits that govern a request, and how its client is told."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, NamedTuple

from kaiko_guards._rates import tightest
from kaiko_middleware import RateLimitError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from kaiko_guards._rates import Rate, Verdict

__all__ = ["LIMIT_FIELDS", "Policy", "Standing", "limit_headers", "refusal", "standing"]

_TIGHTEST = frozenset({"x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"})
_POLICIES = frozenset({"ratelimit-policy", "ratelimit"})
LIMIT_FIELDS = _TIGHTEST | _POLICIES
"""The names of all fields that tell of limits."""


class Policy(NamedTuple):
    """One rate under its name, and what it says of a request."""

    name: str
    rate: Rate
    verdict: Verdict


Standing = tuple[int, int, float, "Sequence[Policy]"]
"""What the tightest limit says of a request: itself, how many requests are left, in how many
seconds it is whole; and each limit that has a name.

A plain tuple, since one is made for every request.
"""


def standing(verdicts: Sequence[Verdict], policies: Sequence[Policy]) -> Standing:
    """Return what the client is told, given what all rates say."""
    verdict = tightest(verdicts)
    return verdict.limit, verdict.remaining, verdict.reset, policies


def limit_headers(found: Standing, told: Collection[str] = ()) -> list[tuple[str, str]]:
    """Return the header fields that tell a client how much is left (contract, section 4).

    `RateLimit-Policy` and `RateLimit` are those of draft-ietf-httpapi-ratelimit-headers-10.

    Arguments:
        found: what is left.
        told: the names, lower-case, of the fields that the application sends itself. It says
            more of its own limits than we do.

    """
    fields: list[tuple[str, str]] = []
    limit, remaining, reset, policies = found
    if _TIGHTEST.isdisjoint(told):
        fields += [
            ("X-RateLimit-Limit", str(limit)),
            ("X-RateLimit-Remaining", str(remaining)),
            ("X-RateLimit-Reset", str(ceil(reset))),
        ]
    if policies and _POLICIES.isdisjoint(told):
        fields += _policy_fields(policies)
    return fields


def _policy_fields(policies: Sequence[Policy]) -> list[tuple[str, str]]:
    named = [f'"{name}";q={rate.limit};w={rate.period:.0f}' for name, rate, _ in policies]
    left = [
        f'"{name}";r={verdict.remaining};t={ceil(rate.until_more(verdict))}'
        for name, rate, verdict in policies
    ]
    return [("RateLimit-Policy", ", ".join(named)), ("RateLimit", ", ".join(left))]


def refusal(verdict: Verdict, policies: Sequence[Policy] = ()) -> RateLimitError:
    """Return the error for a request that is refused."""
    return RateLimitError(
        retry_after=verdict.retry_after,
        limit=verdict.limit,
        remaining=verdict.remaining,
        reset=verdict.reset,
        headers=dict(_policy_fields(policies)) if policies else None,
    )
