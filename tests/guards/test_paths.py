"""Prefixes of paths, prepared for many look-ups."""

from __future__ import annotations

import pytest

from kaiko_guards._paths import within
from kaiko_middleware.config import is_within


@pytest.mark.parametrize("prefixes", [(), ("/",), ("/health",), ("/a/b", "/health")], ids=str)
@pytest.mark.parametrize(
    "path", ["/", "/health", "/health/live", "/healthy", "//health", "/a//b/c", "/a", "", "*"]
)
def test_a_path_is_within_the_same_prefixes(path: str, prefixes: tuple[str, ...]) -> None:
    """By whole segments, as the core says it."""
    assert within(prefixes)(path) == is_within(path, prefixes)
