"""Sentry, with a transport that only records: one event for what nobody foresaw, else none."""

from __future__ import annotations

import pytest

from adapters.django.stacks import STACKS
from adapters.drf.sentry_projects import BUGS, FORESEEN
from support_program import run_program


@pytest.fixture(scope="module")
def counts() -> dict[tuple[str, str], int]:
    """Events, by stack and what is raised."""
    rows: list[tuple[str, str, int]] = run_program("adapters.drf.sentry_projects")
    return {(stack, name): events for stack, name, events in rows}


on_each = pytest.mark.parametrize("stack", [stack.name for stack in STACKS])


@on_each
@pytest.mark.parametrize("name", BUGS)
def test_a_bug_is_one_event(counts: dict[tuple[str, str], int], stack: str, name: str) -> None:
    """Exactly one, although DRF, Django and the toolkit all see it pass."""
    assert counts[stack, name] == 1


@on_each
@pytest.mark.parametrize("name", FORESEEN)
def test_what_was_foreseen_is_none(
    counts: dict[tuple[str, str], int], stack: str, name: str
) -> None:
    """Neither a typed error nor one of DRF's own, of whatever status."""
    assert counts[stack, name] == 0
