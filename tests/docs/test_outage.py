"""The page on the outage shows what its program finds."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
STORED = ROOT / "docs" / "_data" / "outage.json"


@pytest.mark.skipif(find_spec("httpx2") is None, reason="the extra httpx is not installed")
def test_what_the_page_is_made_from_is_the_programs(tmp_path: Path) -> None:
    """A change of the budget or of the waits does not go unseen."""
    (tmp_path / "_data").mkdir()
    program = [sys.executable, "-P", str(ROOT / "bench/outage.py")]
    done = subprocess.run(
        [*program, "--write", str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "_data" / "outage.json").read_text() == STORED.read_text()
    rows = [f"| {' | '.join(row)} |" for row in json.loads(STORED.read_text())["table"]]
    assert done.stdout.splitlines() == rows
    assert len(rows) == 4
