"""The examples in our docstrings run, in the package as it is installed."""

from __future__ import annotations

from pathlib import Path

import pytest

from support_program import run_program

ROOT = Path(__file__).resolve().parents[2]
SOURCES = [*ROOT.glob("kaiko_middleware/**/*.py"), *ROOT.glob("integrations/*/**/*.py")]


def module_name(path: Path) -> str:
    """Name the module that a source file of the checkout is."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    parts = parts[1:] if parts[0] == "integrations" else parts
    return ".".join(parts).removesuffix(".__init__")


WITH_EXAMPLES = sorted(module_name(path) for path in SOURCES if ">>> " in path.read_text())


@pytest.fixture(scope="module")
def failures() -> dict[str, str]:
    """What went wrong in each module."""
    found: dict[str, str] = run_program("docs.run_docstrings", *WITH_EXAMPLES)
    return found


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_examples_in_docstrings_run(name: str, failures: dict[str, str]) -> None:
    """What a docstring shows is what happens, in a process that it cannot spoil."""
    assert failures[name] == ""
