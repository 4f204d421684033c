"""What the page on the pytest plugin shows is what pytest prints, and its lists are whole."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from kaiko_pytest import plugin
from kaiko_pytest._provider_answers import NO_ANSWER, SAMPLES

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "quickstart/pytest.md").read_text()
SHOWN: list[str] = re.findall(r"^```text\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


@cache
def printed() -> str:
    """Run the page's suite as a reader does; return what pytest prints."""
    command = [sys.executable, "-m", "pytest", "-q", "-c", "/dev/null", "--rootdir=."]
    alone = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_PLUGINS": plugin.__name__}
    done = subprocess.run(
        [*command, "-p", "no:cacheprovider", "--kaiko=strict", "--kaiko-report", "test_planted.py"],
        cwd=DOCS / "examples",
        env=os.environ | alone | {"COLUMNS": "80"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "5 failed, 1 passed" in done.stdout, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("number", range(len(SHOWN)))
def test_what_is_shown_is_printed(number: int) -> None:
    """Line by line; the page's editor may have taken blanks from the ends of lines."""
    lines = [line.rstrip() for line in printed().splitlines()]
    shown = [line.rstrip() for line in SHOWN[number].splitlines()]
    assert "\n".join(shown) in "\n".join(lines)


def test_without_the_option_the_suite_passes() -> None:
    """All but the assertion that the page shows."""
    command = [sys.executable, "-m", "pytest", "-q", "-c", "/dev/null", "--rootdir=."]
    done = subprocess.run(
        [*command, "-p", "no:cacheprovider", "test_planted.py"],
        cwd=DOCS / "examples",
        capture_output=True,
        text=True,
        check=False,
    )
    assert "1 failed, 5 passed" in done.stdout, done.stdout + done.stderr


def test_every_provider_and_failure_is_listed() -> None:
    """One row a provider."""
    rows = [
        f"| `{provider}` | {', '.join(f'`{failure}`' for failure in sorted(failures))} |\n"
        for provider, failures in sorted(SAMPLES.items())
    ]
    assert "".join(rows) in PAGE
    assert all(f"`{failure}`" in PAGE for failure in NO_ANSWER)


def test_every_option_is_in_the_table() -> None:
    """As the plugin declares them."""
    source = Path(plugin.__file__).read_text()
    names = re.findall(r'add(?:option|ini)\(\s*"([\w-]+)"', source)
    assert len(names) == 6
    assert [name for name in names if f"`{name}" not in PAGE] == []
