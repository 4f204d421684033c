"""The examples in our docstrings run, in the package as it is installed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = [*ROOT.glob("kaiko_middleware/**/*.py"), *ROOT.glob("integrations/*/**/*.py")]


def module_name(path: Path) -> str:
    """Name the module that a source file of the checkout is."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    parts = parts[1:] if parts[0] == "integrations" else parts
    return ".".join(parts).removesuffix(".__init__")


WITH_EXAMPLES = sorted(module_name(path) for path in SOURCES if ">>> " in path.read_text())


RUN = """
import doctest, importlib, sys
options = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
failed, attempted = doctest.testmod(importlib.import_module(sys.argv[1]), optionflags=options)
sys.exit(failed or not attempted)
"""


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_examples_in_docstrings_run(name: str) -> None:
    """What a docstring shows is what happens, in an interpreter that it cannot spoil."""
    done = subprocess.run(
        [sys.executable, "-c", RUN, name],
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "django.conf.global_settings"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
