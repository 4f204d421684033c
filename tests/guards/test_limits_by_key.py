"""Whom a limit counts in a storage that others can read."""

from __future__ import annotations

from guards.requests import request
from guards.test_asgi import KEY
from kaiko_guards import RateLimit


def test_no_key_lies_in_a_storage() -> None:
    """It is counted by a digest, the same in every process; without one by address."""
    limits = [RateLimit("1/minute", storage="redis://127.0.0.1:1") for _ in range(2)]
    asked = request(peer="192.0.2.1")
    without = limits[0].count(asked)
    assert without is not None
    assert str(without.key).endswith(":address:192.0.2.1")
    asked.key = KEY
    first, second = (limit.count(asked) for limit in limits)
    assert first is not None
    assert second is not None
    assert first.key == second.key
    assert ":key:" in str(first.key)
    assert KEY not in str(first.key)
