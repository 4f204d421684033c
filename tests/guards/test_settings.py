"""Each guard checks its settings when it is made, and names the one that is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from kaiko_guards import BodyLimit, Deadline, RateLimit
from kaiko_middleware.settings_check import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable


async def awaited(_request: object) -> str:
    """Nobody here would await it."""
    return "a"


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
        (RateLimit, {"rates": "1/minute", "max_keys": 0}, "max_keys"),
    ],
    ids=lambda value: repr(value)[:40] if isinstance(value, dict) else None,
)
def test_a_wrong_setting_is_named(
    make: Callable[..., object], given: dict[str, Any], named: str
) -> None:
    """In one line."""
    with pytest.raises(ConfigError, match=f"^{named}: ") as caught:
        make(**given)
    assert "\n" not in str(caught.value)
