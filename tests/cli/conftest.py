"""What every test of the command needs: one width of the terminal."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """120 columns, whatever the terminal of whoever runs the tests has."""
    monkeypatch.setenv("COLUMNS", "120")
