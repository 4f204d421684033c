"""A service with something in it: keys of every kind, a context that lives and one that does not.

The expired context was made by the same store, 25 hours before the present of its clock.
With `KAIKO_DEMO_AT` set to a moment (ISO 8601) time stands still at it and new contexts
are counted, so that stacks in different processes give the same answers to the byte.
"""

from __future__ import annotations

import itertools
import os
import secrets
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from kaiko_demo.clock import frozen, utc_now
from kaiko_demo.contexts import ContextStore
from kaiko_demo.keys import ApiKey, KeyRing
from kaiko_demo.limiter import FixedWindowLimiter
from kaiko_demo.llm import DownLlm
from kaiko_demo.service import DemoService

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kaiko_demo.clock import Clock
    from kaiko_demo.llm import Llm

__all__ = [
    "AT",
    "EXPIRED_CONTEXT",
    "LIMITED_KEY",
    "LIVE_CONTEXT",
    "LIVE_KEY",
    "REVOKED_KEY",
    "UNKNOWN_KEY",
    "demo_service",
    "service_from_environment",
]

AT = "KAIKO_DEMO_AT"

LIVE_KEY = "kaiko_live_DemoDemoDemo0001"
LIMITED_KEY = "kaiko_test_DemoLimited00002"
REVOKED_KEY = "kaiko_live_DemoRevoked00003"
UNKNOWN_KEY = "kaiko_live_DemoUnknown00004"

LIVE_CONTEXT = "ctx_demo"
EXPIRED_CONTEXT = "ctx_yesterday"


def demo_service(*, clock: Clock, new_id: Callable[[], str], llm: Llm) -> DemoService:
    """A seeded service.

    Arguments:
        clock: What time it is.
        new_id: Makes the names of new contexts.
        llm: The language models it asks.
    """
    contexts = ContextStore(clock, new_id)
    contexts.create(context_id=LIVE_CONTEXT)
    contexts.create(context_id=EXPIRED_CONTEXT, created_at=clock() - timedelta(hours=25))
    return DemoService(
        keys=KeyRing(
            [
                ApiKey(LIVE_KEY),
                ApiKey(LIMITED_KEY, per_minute=2),
                ApiKey(REVOKED_KEY, revoked=True),
            ]
        ),
        limiter=FixedWindowLimiter(clock),
        contexts=contexts,
        llm=llm,
    )


def service_from_environment(environment: Mapping[str, str] = os.environ) -> DemoService:
    """The service that the demo's applications serve; its language models are down.

    Arguments:
        environment: Where `KAIKO_DEMO_AT` is looked up.
    """
    at = environment.get(AT)
    if at is None:
        return demo_service(clock=utc_now, new_id=_random_id, llm=DownLlm())
    moment = datetime.fromisoformat(at).astimezone(UTC)
    return demo_service(clock=frozen(moment), new_id=_counted_ids(), llm=DownLlm())


def _random_id() -> str:
    return f"ctx_{secrets.token_hex(8)}"


def _counted_ids() -> Callable[[], str]:
    numbers = itertools.count(1)

    def new_id() -> str:
        return f"ctx_{next(numbers)}"

    return new_id
