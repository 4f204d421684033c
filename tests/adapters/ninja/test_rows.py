"""Every way by which an error answer leaves a Ninja service leads to the contract."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.drf.checks import cases, check, check_record
from adapters.ninja.rows_around import AROUND
from adapters.ninja.rows_operations import BASE, RAISED, VALIDATED

ROWS = (*RAISED, *BASE, *VALIDATED, *AROUND)

if TYPE_CHECKING:
    import pytest

    from adapters.django.row import Row
    from adapters.django.stacks import Stack


@cases(*ROWS)
def test_row(row: Row, stack: Stack) -> None:
    """The answer is what the contract makes of it."""
    check(row, stack)


@cases(*ROWS)
def test_one_record(row: Row, stack: Stack, caplog: pytest.LogCaptureFixture) -> None:
    """What went wrong is logged exactly once, with the id that the client has."""
    check_record(row, stack, caplog)
