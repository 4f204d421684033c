"""The kaiko logger open for every level."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """What the logger `kaiko` says, down to DEBUG."""
    with caplog.at_level(logging.DEBUG, logger="kaiko"):
        yield caplog
