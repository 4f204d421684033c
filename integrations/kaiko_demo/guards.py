"""The demo's keys, limits, sizes and deadlines, which are the same on every stack.

Each application runs them by its framework's middleware. `kaiko_guards` answers what they refuse,
so no view and no method of the service knows them.
"""

from __future__ import annotations

import os
from time import monotonic
from typing import TYPE_CHECKING

from kaiko_demo.seed import clock_from_environment
from kaiko_guards import ApiKeys, BodyLimit, Deadline, HashedKeys, RateLimit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kaiko_guards import Guard, GuardedRequest

__all__ = ["MAX_BODY", "archive_guards", "demo_guards", "guards_from_environment"]

MAX_BODY = 16_384
"""Bytes of the largest body."""

_TRIAL = "trial"
_BATCH = 10
"""Requests that a batch counts as."""

# What is stored of a key: `kaiko_guards.new_key` makes it, and shows the key itself only once.
# The demo prints its keys in `kaiko_demo.seed`, so that you can try them.
_KEYS: list[dict[str, object]] = [
    {
        "lookup": "kaiko_live_DemoDemo",
        "sha256": "454aaeeb6a83cc682352afd171348a951a7e1f29949cd14320bf120b122e1d98",
        "name": "demo",
        "scopes": ["archive:read"],
    },
    {
        "lookup": "kaiko_live_DemoLimi",
        "sha256": "f42c4c33460ea02da5e35695b3f92370e80e18853fac5c976f181631d3f8b6d6",
        "name": _TRIAL,
    },
    {
        "lookup": "kaiko_live_DemoRevo",
        "sha256": "5d76902d9434a11ef761e93f7ce11d2186f5b9599a3193bdddfd49db96175886",
        "name": "former customer",
        "revoked": True,
    },
]
_ARCHIVE_KEYS: list[dict[str, object]] = [
    {
        "lookup": "kaiko_live_DemoArch",
        "sha256": "2845456e4746faf21dea07acddd19d526320d1c06e1b60f80f0e18aeaf8c45f1",
        "name": "demo service",
    },
]


def demo_guards(*, clock: Callable[[], float] = monotonic) -> tuple[Guard, ...]:
    """Return the guards of the service.

    Arguments:
        clock: Counts the seconds of the rate limits.
    """
    return (
        Deadline(30),
        BodyLimit(MAX_BODY),
        # No key for a WebSocket: a script in a browser cannot send the header.
        ApiKeys(HashedKeys(_KEYS), scopes={"/v2/archive": "archive:read"}, public=("/live",)),
        RateLimit("600/minute", by=_caller, cost=_cost, clock=clock),
        RateLimit("2/minute", by=_trial, clock=clock),
    )


def guards_from_environment(environment: Mapping[str, str] = os.environ) -> tuple[Guard, ...]:
    """Return the guards of the service; where processes share a clock, the guards use it.

    Arguments:
        environment: Holds what `clock_from_environment` reads, or not.
    """
    clock = clock_from_environment(environment)
    return demo_guards(clock=monotonic if clock is None else lambda: clock().timestamp())


def archive_guards() -> tuple[Guard, ...]:
    """Return the guards of the archive, which gives up when its caller does."""
    return Deadline(30), ApiKeys(HashedKeys(_ARCHIVE_KEYS))


def _cost(request: GuardedRequest) -> int:
    return _BATCH if request.path == "/v2/analyses/batch" else 1


def _caller(request: GuardedRequest) -> str | None:
    """Count requests with a key for its owner, and others for nobody."""
    return None if request.principal is None else str(request.principal)


def _trial(request: GuardedRequest) -> str | None:
    """Count requests with a trial key for it, and others for nobody."""
    return _TRIAL if request.principal == _TRIAL else None
