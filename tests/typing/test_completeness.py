"""Every public name has a whole type, as pyright sees the packages.

A name without one is judged differently by each checker, so a stranger's strict project
would find mistakes that are ours.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = Path(sys.executable).parent
PACKAGES = [
    "kaiko_middleware",
    *sorted(p.parent.name for p in ROOT.glob("integrations/*/py.typed")),
]
ONE = "everything"
IMPORT = re.compile(rf"^(\s*from )(?=({'|'.join(PACKAGES)})\b)", re.MULTILINE)


@cache
def symbols(tool: str) -> dict[str, list[dict[str, object]]]:
    """Return what pyright says of each package; it asks of one at a time, so this makes them one.

    The installed files are copied into a package, and import each other from there.
    """
    with TemporaryDirectory() as folder:
        for name in PACKAGES:
            spec = find_spec(name)
            assert spec is not None
            assert spec.origin is not None
            shutil.copytree(Path(spec.origin).parent, Path(folder, ONE, name))
        for path in Path(folder, ONE).rglob("*.py"):
            path.write_text(IMPORT.sub(rf"\1{ONE}.", path.read_text()))
        Path(folder, ONE, "__init__.py").touch()
        Path(folder, ONE, "py.typed").touch()
        done = subprocess.run(
            [PROGRAMS / tool, "--verifytypes", ONE, "--ignoreexternal", "--outputjson"],
            # With --verifytypes it asks the first Python of the path, whatever --pythonpath says.
            env={
                **os.environ,
                "PATH": os.pathsep.join([str(PROGRAMS), os.environ["PATH"]]),
                "PYTHONPATH": folder,
            },
            check=False,
            capture_output=True,
            text=True,
            cwd=folder,
        )
    found: dict[str, list[dict[str, object]]] = {}
    for symbol in json.loads(done.stdout)["typeCompleteness"]["symbols"]:
        first, _, rest = symbol["name"].partition(".")
        if first == ONE:
            found.setdefault(rest.partition(".")[0], []).append(symbol)
    return found


@pytest.mark.parametrize("package", PACKAGES)
@pytest.mark.parametrize("tool", ["pyright"])
def test_every_public_name_has_a_whole_type(tool: str, package: str) -> None:
    """Type completeness is 100 %: each exported name is known, and what its type is made of."""
    found = symbols(tool)[package]
    assert [symbol["name"] for symbol in found if symbol["isExported"]]
    partial = {
        symbol["name"]: symbol["diagnostics"] for symbol in found if not symbol["isTypeKnown"]
    }
    assert partial == {}
