"""What all suites share: warnings that are not ours to mend."""

from __future__ import annotations

from typing import TYPE_CHECKING

import django

if TYPE_CHECKING:
    import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Let Django 5.2 leave a request's body open when its response fails; 6.0 closes it."""
    if django.VERSION < (6,):
        config.addinivalue_line(
            "filterwarnings",
            "ignore:Unclosed file <tempfile.SpooledTemporaryFile:ResourceWarning",
        )
