"""Each guard checks its settings when it is made, and names the one that is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from guards.test_asgi import Keys
from kaiko_guards import BodyLimit, CachedKeys, Deadline, RateLimit
from kaiko_guards.litestar import guard_middleware
from kaiko_middleware.settings_check import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable


async def awaited(_request: object) -> str:
    """Nobody here would await it."""
    return "a"


NO_NUMBERS = ("x", True, float("nan"), float("inf"), 1j)


def shared(**settings: Any) -> RateLimit:
    """Make a limit that a server counts; nobody connects to it."""
    return RateLimit("1/minute", storage="redis://127.0.0.1:1", **settings)


@pytest.mark.parametrize(
    ("make", "given", "named"),
    [
        (Deadline, {"seconds": 0}, "seconds"),
        (Deadline, {"seconds": float("nan")}, "seconds"),
        (Deadline, {"seconds": True}, "seconds"),
        (Deadline, {"seconds": "30"}, "seconds"),
        (Deadline, {"seconds": 1e9}, "seconds"),
        (Deadline, {"paths": {"/slow": -1}}, "paths"),
        (Deadline, {"paths": {"slow": 1}}, "paths"),
        (Deadline, {"on_overrun": awaited}, "on_overrun"),
        (BodyLimit, {"max_bytes": -1}, "max_bytes"),
        (BodyLimit, {"max_bytes": "1MB"}, "max_bytes"),
        (BodyLimit, {"max_bytes": 1, "paths": {"/files": None}}, "/files"),
        (RateLimit, {"rates": "often"}, "rates"),
        (RateLimit, {"rates": "1/minute", "by": "cookie"}, "by"),
        (RateLimit, {"rates": "1/minute", "by": awaited}, "by"),
        (RateLimit, {"rates": "1/minute", "cost": 0}, "cost"),
        (RateLimit, {"rates": "1/minute", "cost": True}, "cost"),
        (RateLimit, {"rates": "1/minute", "cost": awaited}, "cost"),
        (RateLimit, {"rates": "1/minute", "paths": "/v2"}, "paths"),
        (RateLimit, {"rates": "1/minute", "methods": ("get",)}, "methods"),
        (RateLimit, {"rates": "1/minute", "methods": "GET"}, "methods"),
        (RateLimit, {"rates": "1/minute", "methods": (1,)}, "methods"),
        (RateLimit, {"rates": "1/minute", "methods": 1}, "methods"),
        (RateLimit, {"rates": "1/minute", "max_keys": 0}, "max_keys"),
        (RateLimit, {"rates": "1/minute", "max_keys": "a"}, "max_keys"),
        *[(shared, {"storage_timeout": each}, "storage_timeout") for each in (*NO_NUMBERS, 0, 61)],
        *[(shared, {"settle_every": each}, "settle_every") for each in (*NO_NUMBERS, 0, 61)],
        (RateLimit, {"rates": "1/minute", "settle_every": "x"}, "settle_every"),
        *[(CachedKeys, {"hits": each}, "hits") for each in (*NO_NUMBERS, -1, None)],
        *[(CachedKeys, {"misses": each}, "misses") for each in (*NO_NUMBERS, -1, None)],
        *[(CachedKeys, {"max_keys": each}, "max_keys") for each in (*NO_NUMBERS, 0, None)],
        (guard_middleware, {"trusted_proxies": 1}, "trusted_proxies"),
        (guard_middleware, {"trusted_proxies": b"10.0.0.1"}, "trusted_proxies"),
    ],
    ids=lambda value: repr(value)[:40].partition(" at 0x")[0] if isinstance(value, dict) else None,
)
def test_a_wrong_setting_is_named(
    make: Callable[..., object], given: dict[str, Any], named: str
) -> None:
    """In one line."""
    with pytest.raises(ConfigError, match=f"^{named}: ") as caught:
        make(*([Keys()] if make is CachedKeys else []), **given)
    assert "\n" not in str(caught.value)
