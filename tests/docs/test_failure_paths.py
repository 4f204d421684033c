"""The page of failure paths says what the tests of the adapters say.

The tables are read in a process of their own: their rows set Django up.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[2] / "docs/failure-paths.md"
TESTS = Path(__file__).resolve().parents[1]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python where the generator is."""
    return subprocess.run(
        [sys.executable, *arguments], cwd=TESTS, capture_output=True, text=True, check=False
    )


def spoiled(code: str) -> str:
    """Return what the generator says once `code` has spoiled something."""
    done = run("-c", f"import sys, failure_paths as f\n{code}\nsys.exit(f.main(['--check']))")
    assert done.returncode == 1
    return done.stderr


def test_the_page_is_what_the_tables_say() -> None:
    """Each row is there with what becomes of it, and none is unknown."""
    done = run("failure_paths.py", "--check")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_stale_page_says_the_command() -> None:
    """Whoever adds a row reads what to do."""
    said = spoiled("f.current = lambda: True\nf.WAYS['DRF'] = f.WAYS['DRF'][1:]")
    assert said == "failure-paths.md is stale: run python tests/failure_paths.py\n"


def test_each_cell_is_one_of_three_words() -> None:
    """Each line of a cell begins with what becomes of the ways that it counts."""
    table = PAGE.read_text().partition("\n| Kind |")[2].partition("\n\n")[0].splitlines()
    kinds = [[cell.strip() for cell in line.strip("|").split("|")] for line in table[2:]]
    assert {len(cells) for _kind, *cells in kinds} == {5}
    lines = [line for _kind, *cells in kinds for cell in cells for line in cell.split("<br>")]
    told = re.compile(r"(envelope|left alone on purpose|out of reach)(: [1-9]| \()")
    assert [line for line in lines if not told.match(line)] == []


def test_what_no_row_shows_is_shown_by_a_test() -> None:
    """Each way that the generator holds itself names a test that there is."""
    named = run("-c", "import failure_paths as f\nfor way in f.TOLD: print(way.shown_by)")
    shown = [line for line in named.stdout.splitlines() if not line.startswith("by hand")]
    assert shown
    for line in shown:
        file, _, test = line.partition("::")
        assert f"\ndef {test}(" in (TESTS / file).read_text()


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("del f.KINDS['Validation']", "add 'validation' to KINDS"),
        ("del f.NO_WAY['Django', 'Validation']", "Django has no row of 'Validation'"),
        ("object.__setattr__(f.WAYS['Ninja'][0], 'becomes', None)", "which has no word"),
        ("object.__setattr__(f.WAYS['Ninja'][0], 'on', 'no')", "is not known"),
    ],
    ids=["kind", "kind-of-a-framework", "fate", "side"],
)
def test_no_cell_is_unknown(code: str, message: str) -> None:
    """What the table cannot say is an error, and not left empty."""
    assert message in spoiled(code)
