"""Sentry, with a transport that only records: one event for what nobody foresaw, else none."""

from __future__ import annotations

import pytest

from adapters.django.stacks import STACKS
from support_program import run_program


@pytest.fixture(scope="module")
def counts() -> dict[tuple[str, str], tuple[int, int]]:
    """Events and signals, by stack and path."""
    rows: list[tuple[str, str, int, int]] = run_program("adapters.django.sentry_project")
    return {(stack, path): (events, fired) for stack, path, events, fired in rows}


@pytest.mark.parametrize("stack", [stack.name for stack in STACKS])
class TestSentry:
    """What Sentry records."""

    @pytest.mark.parametrize("path", ["/typed", "/async/typed", "/events/typed"])
    def test_typed(
        self, counts: dict[tuple[str, str], tuple[int, int]], stack: str, path: str
    ) -> None:
        """A typed error is no event, and no signal."""
        assert counts[stack, path] == (0, 0)

    @pytest.mark.parametrize("path", ["/bug", "/async/bug"])
    def test_bug(
        self, counts: dict[tuple[str, str], tuple[int, int]], stack: str, path: str
    ) -> None:
        """A bug is exactly one event, and one signal."""
        assert counts[stack, path] == (1, 1)

    @pytest.mark.parametrize("path", ["/stream/first", "/stream/later", "/events"])
    def test_stream(
        self, counts: dict[tuple[str, str], tuple[int, int]], stack: str, path: str
    ) -> None:
        """A stream that fails is exactly one event, whenever it does."""
        assert counts[stack, path][0] == 1
