"""What docs/catalog.md shows of the command is what it prints."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support_program import a_persons_environment

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "catalog.md").read_text(encoding="utf-8")
CUT = "--- next ---"
# Commands of the reader's own project or network.
OTHERS = re.compile(r"^(pip|curl|git)\b|\bshop\.main\b")


def shown() -> list[tuple[str, str]]:
    """Each command on the page, with the output that follows it."""
    found: list[tuple[str, str]] = []
    for block in re.findall(r"^```console\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            found.append((command, output.rstrip()))
    return [(command, output) for command, output in found if not OTHERS.search(command)]


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What the commands print, one after the other in one shell, in 100 columns."""
    folder = tmp_path_factory.mktemp("page") / "examples"
    shutil.copytree(DOCS / "examples", folder)
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    cut = f"\ncode=$?; echo '{CUT}'; (exit $code)\n"  # the next command may show the exit code
    script = cut.join(command for command, _ in shown())
    done = subprocess.run(
        ["sh", "-c", script],  # noqa: S607 - the shell is the reader's
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env=a_persons_environment() | {"PATH": path, "COLUMNS": "100"},
    )
    return done.stdout.split(f"{CUT}\n")


@pytest.mark.parametrize("number", range(len(shown())))
def test_the_page_shows_what_is_printed(printed: list[str], number: int) -> None:
    """But for the spaces at the ends of lines."""
    lines = [line.rstrip() for line in printed[number].rstrip().splitlines()]
    assert "\n".join(lines) == shown()[number][1]
