"""The page of failure paths says what the tests of the adapters say."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import failure_paths

PAGE = Path(__file__).resolve().parents[2] / "docs/failure-paths.md"
TESTS = Path(__file__).resolve().parents[1]
(FIRST, *REST) = failure_paths.WAYS["Ninja"]


def test_the_page_is_what_the_tables_say() -> None:
    """Each row is there with what becomes of it, and none is unknown."""
    command = [sys.executable, "failure_paths.py", "--check"]
    done = subprocess.run(command, cwd=TESTS, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_stale_page_says_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever adds a row reads what to do."""
    monkeypatch.setattr(failure_paths, "current", lambda: True)
    monkeypatch.setitem(failure_paths.WAYS, "DRF", failure_paths.WAYS["DRF"][1:])
    said = failure_paths.main(["--check"])
    assert said == "failure-paths.md is stale: run python tests/failure_paths.py"


def test_each_cell_is_one_of_three_words() -> None:
    """Each line of a cell begins with what becomes of the ways that it counts."""
    table = PAGE.read_text().partition("\n| Kind |")[2].partition("\n\n")[0].splitlines()
    kinds = [[cell.strip() for cell in line.strip("|").split("|")] for line in table[2:]]
    assert {len(cells) for _kind, *cells in kinds} == {7}
    lines = [line for _kind, *cells in kinds for cell in cells for line in cell.split("<br>")]
    told = re.compile(r"(envelope|left alone on purpose|out of reach)(: [1-9]| \()")
    assert [line for line in lines if not told.match(line)] == []


def test_what_no_row_shows_is_shown_by_a_test() -> None:
    """Each way that the generator holds itself names a test that there is."""
    named = [way.shown_by for way in failure_paths.TOLD]
    shown = [line for line in named if not line.startswith("by hand")]
    assert shown
    for line in shown:
        file, _, test = line.partition("::")
        assert f"\ndef {test}(" in (TESTS / file).read_text()


@pytest.mark.parametrize(
    ("table", "key", "value", "message"),
    [
        (failure_paths.KINDS, "Validation", (), "add 'validation' to KINDS"),
        (failure_paths.NO_WAY, ("Django", "Validation"), None, "Django has no row of 'Validation'"),
        (failure_paths.WAYS, "Ninja", (replace(FIRST, becomes=None), *REST), "which has no word"),
        (failure_paths.WAYS, "Ninja", (replace(FIRST, on="no"), *REST), "is not known"),
    ],
    ids=["kind", "kind-of-a-framework", "fate", "side"],
)
def test_no_cell_is_unknown(
    table: dict[object, object],
    key: object,
    value: object,
    message: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What the table cannot say is an error, and not left empty."""
    if value is None:
        monkeypatch.delitem(table, key)
    else:
        monkeypatch.setitem(table, key, value)
    with pytest.raises(LookupError, match=message):
        failure_paths.main(["--check"])
