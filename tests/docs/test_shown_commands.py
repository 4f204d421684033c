"""What pages show of commands is what they print, and what CI files run is shown."""

from __future__ import annotations

import re
import shutil

import pytest

for needed in ("fastapi", "django", "schemathesis", "uvicorn"):
    pytest.importorskip(needed)

from docs.shown_commands import DOCS, PAGES, filled, printed_with

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="the pages use curl")

CI_FILES = {
    "index.md": ["five_minutes/github.yml"],
    "ci.md": ["ci/github.yml", "ci/gitlab.yml"],
}


def outcomes(page: str) -> list[str]:
    """What every version prints: whether something was found, and the exit codes."""
    return re.findall(r"nothing (?:new )?found|^\$ echo \$\?\n\d+$", page, re.MULTILINE)


def without_counts(page: str) -> str:
    """Leave out how often: a slow machine gives up on a request that another one answers."""
    return re.sub(r"[ ─]+", " ", re.sub(r"\d+", "0", page))


@pytest.mark.parametrize("name", PAGES)
def test_what_the_commands_print_is_on_the_page(name: str) -> None:
    """Written again by `python -m docs.shown_commands`; other versions print the same outcomes."""
    page = (DOCS / name).read_text(encoding="utf-8")
    printed = filled(page)
    assert outcomes(printed) == outcomes(page) != []
    if printed_with() in page:
        assert without_counts(printed) == without_counts(page)


@pytest.mark.parametrize("name", CI_FILES)
def test_what_a_ci_file_runs_is_shown(name: str) -> None:
    """But for `--quiet`: each of its commands ran, with the output on the page."""
    page = (DOCS / name).read_text(encoding="utf-8").replace(" --quiet", "")
    for file in CI_FILES[name]:
        text = (DOCS / "examples" / file).read_text(encoding="utf-8").replace(" --quiet", "")
        commands = re.findall(r"kaiko-middleware check .*", text)
        assert commands
        assert all(f"$ {command}\n" in page for command in commands)
