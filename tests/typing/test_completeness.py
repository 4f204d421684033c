"""Every public name has a whole type, as pyright sees the installed packages.

A name without one is judged differently by each checker, so a stranger's strict project
would find mistakes that are ours.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PYRIGHT = Path(sys.executable).parent / "pyright"
PACKAGES = [
    "kaiko_middleware",
    *sorted(p.parent.name for p in ROOT.glob("integrations/*/py.typed")),
]


@pytest.mark.parametrize("package", PACKAGES)
@pytest.mark.parametrize("tool", ["pyright"])
def test_every_public_name_has_a_whole_type(tool: str, package: str, tmp_path: Path) -> None:
    """Type completeness is 100 %."""
    command = [str(PYRIGHT.with_name(tool)), "--verifytypes", package, "--ignoreexternal"]
    done = subprocess.run(
        [*command, "--outputjson"],
        # With --verifytypes it asks the first Python of the path, whatever --pythonpath says.
        env={**os.environ, "PATH": os.pathsep.join([str(PYRIGHT.parent), os.environ["PATH"]])},
        check=False,
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    report = json.loads(done.stdout)["typeCompleteness"]
    partial = {
        symbol["name"]: [finding["message"] for finding in symbol["diagnostics"]]
        for symbol in report["symbols"]
        if not symbol["isTypeKnown"] and symbol["diagnostics"]
    }
    assert partial == {}
    assert report["completenessScore"] == 1
