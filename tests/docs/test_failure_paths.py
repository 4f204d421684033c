"""The page of failure paths says what the tests of the adapters say.

The tables are read in a process of their own: their rows set Django up.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

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


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("del f.KINDS['Validation']", "add 'validation' to KINDS"),
        ("del f.NO_WAY['Django', 'WebSockets']", "Django has no row of 'WebSockets'"),
        ("object.__setattr__(f.WAYS['Ninja'][0], 'becomes', None)", "which has no word"),
        ("object.__setattr__(f.WAYS['Ninja'][0], 'on', 'no')", "is not known"),
    ],
    ids=["kind", "kind-of-a-framework", "fate", "side"],
)
def test_no_cell_is_unknown(code: str, message: str) -> None:
    """What the table cannot say is an error, and not left empty."""
    assert message in spoiled(code)
