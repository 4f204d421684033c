"""What the four type checkers say of a stranger's code, which sees the installed package.

`accept/` must pass, and so must the README's starts, as `readme/`. In `reject/` each line that
ends in `# error` must be reported, and no other line: an annotation that lets mistakes through
is as wrong as one that forbids what works. The files are never executed.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PROGRAMS = Path(sys.executable).parent
README = (ROOT / "README.md").read_text()

# Each as strict as it gets, with nothing of this project's own configuration.
CONFIGURATION = {
    "mypy.ini": "[mypy]\nstrict = True\nexplicit_package_bases = True\n",
    "pyrefly.toml": 'preset = "strict"\n',
    "pyrightconfig.json": '{"typeCheckingMode": "strict"}',
    "ty.toml": "",
}

Finding = tuple[str, int, str]
"""The file, the line and what the checker says."""


def mypy(out: str) -> Iterator[Finding]:
    """One JSON object a line."""
    for entry in map(json.loads, out.splitlines()):
        if entry["severity"] == "error":
            yield entry["file"], entry["line"], entry["message"]


def pyrefly(out: str) -> Iterator[Finding]:
    """One object with a list."""
    for entry in json.loads(out)["errors"]:
        yield entry["path"], entry["line"], entry["description"]


def pyright(out: str) -> Iterator[Finding]:
    """One object with a list, whose lines count from nought."""
    for entry in json.loads(out)["generalDiagnostics"]:
        yield entry["file"], entry["range"]["start"]["line"] + 1, entry["message"]


def ty(out: str) -> Iterator[Finding]:
    """A code quality report."""
    for entry in json.loads(out):
        location: dict[str, Any] = entry["location"]
        yield location["path"], location["positions"]["begin"]["line"], entry["description"]


CHECKERS: dict[str, tuple[list[str], Callable[[str], Iterator[Finding]]]] = {
    "mypy": (
        [
            *("mypy", "--output", "json", "--python-executable", sys.executable),
            *("--cache-dir", str(ROOT / ".mypy_cache" / "strangers"), "accept", "reject", "readme"),
        ],
        mypy,
    ),
    "pyrefly": (
        [
            *("pyrefly", "check", "--output-format", "json"),
            *("--python-interpreter-path", sys.executable),
        ],
        pyrefly,
    ),
    "pyright": (["pyright", "--outputjson", "--pythonpath", sys.executable], pyright),
    "ty": (["ty", "check", "--output-format", "gitlab", "--python", sys.prefix], ty),
}


def starts() -> dict[str, str]:
    """Return the README's Python blocks as files, each a file of its own."""
    found: dict[str, str] = {}
    for section in re.split(r"^## ", README, flags=re.MULTILINE)[1:]:
        name = re.sub(r"\W+", "_", section.partition("\n")[0].lower())
        blocks = re.findall(r"^```python\n(.*?)^```", section, re.DOTALL | re.MULTILINE)
        for number, block in enumerate(blocks, 1):
            found[f"readme/{name}_{number}.py"] = block
    return found


@cache
def findings(tool: str) -> dict[str, dict[int, str]]:
    """Run a checker over all files, outside the checkout: by file, the lines it reports."""
    command, read = CHECKERS[tool]
    with TemporaryDirectory() as folder:
        for name, text in CONFIGURATION.items():
            Path(folder, name).write_text(text)
        for part in ("accept", "reject"):
            shutil.copytree(HERE / part, Path(folder, part))
        Path(folder, "readme").mkdir()
        for name, text in starts().items():
            Path(folder, name).write_text(text)
        done = subprocess.run(
            [str(PROGRAMS / command[0]), *command[1:]],
            check=False,
            capture_output=True,
            text=True,
            cwd=folder,
        )
    assert done.returncode in {0, 1}, done.stdout + done.stderr
    found: dict[str, dict[int, str]] = {}
    for path, line, message in read(done.stdout):
        found.setdefault("/".join(Path(path).parts[-2:]), {})[line] = message
    assert found, f"{tool} saw nothing wrong at all: did it look? {done.stdout} {done.stderr}"
    return found


def files(part: str) -> list[str]:
    """List the files of a part as the findings name them."""
    return sorted(f"{part}/{path.name}" for path in (HERE / part).glob("*.py"))


@pytest.mark.parametrize("file", [*files("accept"), *starts()])
@pytest.mark.parametrize("tool", sorted(CHECKERS))
def test_right_code_passes(tool: str, file: str) -> None:
    """Code that uses the package as documented has nothing reported."""
    assert findings(tool).get(file, {}) == {}


@pytest.mark.parametrize("file", files("reject"))
@pytest.mark.parametrize("tool", sorted(CHECKERS))
def test_wrong_code_is_reported(tool: str, file: str) -> None:
    """Every marked line is reported, and no other."""
    lines = (HERE / file).read_text().splitlines()
    marked = {number for number, line in enumerate(lines, 1) if re.search(r"# error$", line)}
    found = findings(tool).get(file, {})
    assert marked, "a file of mistakes without one"
    assert {lines[number - 1] for number in marked - found.keys()} == set(), "let through"
    assert {lines[number - 1]: found[number] for number in found.keys() - marked} == {}
