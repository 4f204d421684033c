"""What the pages show is what happens."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from support_program import run_program

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(
    page
    for page in DOCS.rglob("*.md")
    if "_build" not in page.parts
    and re.search("^```(python|json|http)$", page.read_text(), re.MULTILINE)
)
# Errors, but for what some libraries bring: here the oldest Starlette and Litestar.
WARNINGS = (
    "error",
    "ignore:The anyio.abc.BlockingPortal alias is deprecated:DeprecationWarning",
    "ignore:The `__fields__` attribute is deprecated:DeprecationWarning",
    # What Sentry 2.40 calls on Python 3.14.
    "ignore:'asyncio.iscoroutinefunction' is deprecated:DeprecationWarning",
    # What Pyramid and WebOb import.
    "ignore:pkg_resources is deprecated:UserWarning",
    "ignore:Deprecated call to `pkg_resources:DeprecationWarning",
    "ignore:'cgi' is deprecated:DeprecationWarning",
)


@pytest.fixture(scope="module")
def failures() -> dict[str, str]:
    """What went wrong on each page; what they all import is loaded once."""
    pages = [str(page) for page in PAGES]
    found: dict[str, str] = run_program(
        "docs.run_page", *pages, cwd=DOCS / "examples", warnings=WARNINGS
    )
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS)))
def test_every_block_of_a_page_does_what_it_shows(page: Path, failures: dict[str, str]) -> None:
    """Python runs, JSON parses, and each request gets the answer that is printed."""
    assert failures[str(page)] == ""
