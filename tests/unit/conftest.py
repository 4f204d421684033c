"""Hypothesis without a clock, and the kaiko logger open for every level."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from collections.abc import Iterator

# No deadline: a shared machine's hiccup is no bug. Fixtures that hold no state may be shared.
settings.register_profile(
    "kaiko", deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
settings.load_profile("kaiko")


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """What the logger `kaiko` says, down to DEBUG."""
    with caplog.at_level(logging.DEBUG, logger="kaiko"):
        yield caplog
