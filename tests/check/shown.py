"""Fills in what the commands of docs/check.md print: `PYTHONPATH=tests python -m check.shown`.

A console block whose command names `flask_app:app` is run in `tests/check/bare`, in its own
process, and shows what is printed; only the time a run took is left out.
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from support_program import a_persons_environment

PAGE = Path(__file__).resolve().parents[2] / "docs/check.md"
_BLOCK = re.compile(
    r"^```console\n(\$ (kaiko-middleware check flask_app:app [^\n]*)\n)(.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_TIME = re.compile(r"\b(\d+ requests) in [0-9.]+ s")


def filled(page: str) -> str:
    """Return the page with what its commands print."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(Path(__file__).parent / "bare/flask_app.py", folder)
        return _BLOCK.sub(lambda block: _shown(block, folder), page)


def _shown(block: re.Match[str], folder: str) -> str:
    words = shlex.split(block[2])[1:]
    done = subprocess.run(
        [sys.executable, "-P", "-W", "ignore", "-m", "kaiko_cli.main", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        cwd=folder,
        env=a_persons_environment() | {"COLUMNS": "120"},
    )
    printed = _TIME.sub(r"\1", done.stdout)
    return f"```console\n{block[1]}{printed}```"


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text()))
