"""Flask's own tests and those of public applications, bare and with `install` on every application.

`nox -s flask_suites` runs this. It gets the source distributions with pip, since wheels have no
tests. What fails with `install` and not without has to be in `expected.toml`, with its reason, and
what is there has to fail.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree as ET

_HERE = Path(__file__).parent


class Suite(NamedTuple):
    """One suite: the arguments of `expected.toml`."""

    requirement: str
    folder: str
    tests: str
    fails: dict[str, str]

    @classmethod
    def from_table(cls, table: dict[str, Any]) -> Suite:
        """Return the suite that a table of TOML describes."""
        return cls(table["requirement"], table["folder"], table["tests"], table.get("fails", {}))

    def source(self, to: Path) -> Path:
        """Return the folder of the source distribution, which is downloaded."""
        home = to / self.requirement
        if not home.exists():
            options = ["--quiet", "--no-deps", "--no-binary", ":all:", "--dest", str(home)]
            pip = [sys.executable, "-m", "pip", "download", *options, self.requirement]
            subprocess.run(pip, check=True)
            (archive,) = home.glob("*.tar.gz")
            with tarfile.open(archive) as opened:
                opened.extractall(home, filter="data")
        (source,) = (path for path in home.iterdir() if path.is_dir())
        return source / self.folder


def main() -> int:
    """Run all suites; return 1 where one fails in another way than it should."""
    suites = tomllib.loads((_HERE / "expected.toml").read_text(encoding="utf-8"))["suite"]
    wrong = False
    with tempfile.TemporaryDirectory() as folder:
        for suite in map(Suite.from_table, suites):
            source = suite.source(Path(folder))
            bare, count = _failing(source, suite.tests)
            ours, same = _failing(source, suite.tests, "-p", "installed")
            added = ours - bare
            surprises = added ^ suite.fails.keys()
            _say(f"{suite.requirement} {suite.folder}: {count} tests, {len(bare)} fail without us")
            for test in sorted(added & suite.fails.keys()):
                _say(f"  fails, as it should: {test}: {suite.fails[test]}")
            for test in sorted(surprises):
                _say(f"  {'FAILS' if test in added else 'PASSES, and should not'}: {test}")
            for test in sorted(bare - ours):
                _say(f"  fails without us alone: {test}")
            wrong = wrong or bool(surprises) or count != same or not count
    return int(wrong)


def _failing(source: Path, tests: str, *options: str) -> tuple[set[str], int]:
    """Return the tests that fail, and how many there are."""
    report = source / "report.xml"
    command = [sys.executable, "-m", "pytest", "-q", "--junitxml", str(report), *options, tests]
    path = os.pathsep.join([str(_HERE), str(source)])
    environment = {**os.environ, "PYTHONPATH": path}
    subprocess.run(command, cwd=source, env=environment, stdout=subprocess.DEVNULL, check=False)
    cases = list(ET.parse(report).iter("testcase"))  # noqa: S314 - pytest's own
    report.unlink()
    failing = {
        f"{case.get('classname')}::{case.get('name')}"
        for case in cases
        if case.find("failure") is not None or case.find("error") is not None
    }
    return failing, len(cases)


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
