"""Every way by which an error answer leaves a DRF service leads to the contract."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.drf.checks import cases, check
from adapters.drf.rows_around import AROUND
from adapters.drf.rows_bodies import BODIES
from adapters.drf.rows_raised import ACCESS, RAISED

ROWS = (*RAISED, *ACCESS, *AROUND, *BODIES)

if TYPE_CHECKING:
    import pytest

    from adapters.django.row import Row
    from adapters.django.stacks import Stack


@cases(*ROWS)
def test_row(row: Row, stack: Stack, caplog: pytest.LogCaptureFixture) -> None:
    """The answer is what the contract makes of it, and the log has one record."""
    check(row, stack, caplog)
