"""The page on the outage shows what its program finds."""

from __future__ import annotations

import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"


@pytest.mark.skipif(find_spec("httpx2") is None, reason="the extra httpx is not installed")
def test_table_and_picture_are_the_programs(tmp_path: Path) -> None:
    """A change of the budget, of the waits or of the page alone does not go unseen."""
    (tmp_path / "_static").mkdir()
    shutil.copy(DOCS / "outage.md", tmp_path)
    program = [sys.executable, "-P", str(ROOT / "bench/outage.py")]
    done = subprocess.run(
        [*program, "--write", str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout in (DOCS / "outage.md").read_text()
    for name in ("outage.md", "_static/outage.svg"):
        assert (tmp_path / name).read_text() == (DOCS / name).read_text()
    assert done.stdout.count("\n") == 5
