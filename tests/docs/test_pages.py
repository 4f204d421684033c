"""What the pages show is what happens."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(
    page
    for page in DOCS.rglob("*.md")
    if "_build" not in page.parts
    and re.search("^```(python|json|http)$", page.read_text(), re.MULTILINE)
)
# Errors, but for what the suite lets pass for the sake of the oldest Starlettes.
WARNINGS = (
    *("-W", "error"),
    *("-W", "ignore:The anyio.abc.BlockingPortal alias is deprecated:DeprecationWarning"),
)
RUNNER = Path(__file__).with_name("run_page.py")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS)))
def test_every_block_of_a_page_does_what_it_shows(page: Path) -> None:
    """Python runs, JSON parses, and each request gets the answer that is printed."""
    done = subprocess.run(
        [sys.executable, *WARNINGS, str(RUNNER), str(page)],
        cwd=DOCS / "examples",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
