"""The same sides under valgrind, which counts instructions: repeatable where times are not.

A child process runs each side some hundred times between two calls of `getppid`. callgrind
writes its counters down at each of these, so that neither the start of the interpreter nor
the imports are in them.
"""

from __future__ import annotations

import gc
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.cases import Case

Counts = dict[str, dict[str, float]]
"""Instructions a call: by case, then by side."""

_TOTALS = re.compile(r"^totals: (\d+)$", re.MULTILINE)


class CannotCountError(Exception):
    """Instructions cannot be counted here; the message says why."""


def count(cases: Sequence[Case], command: Sequence[str]) -> Counts:
    """Return the instructions of every side of the cases.

    Arguments:
        cases: what is counted.
        command: what starts the child; the cases' keys are added.

    Raises:
        CannotCountError: valgrind is missing or cannot run this Python.

    """
    valgrind = shutil.which("valgrind")
    if valgrind is None:
        msg = "valgrind is not installed: instructions are not counted"
        raise CannotCountError(msg)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "callgrind")
        found = subprocess.run(
            [
                valgrind,
                "--tool=callgrind",
                "--dump-before=getppid",
                f"--callgrind-out-file={out}",
                *command,
                *(case.key for case in cases),
            ],
            env={**os.environ, "PYTHONHASHSEED": "0"},
            capture_output=True,
            text=True,
            check=False,
        )
        if found.returncode:
            last = (found.stderr.strip().splitlines() or ["no message"])[-1]
            msg = f"valgrind failed: {last}"
            raise CannotCountError(msg)
        dumps = sorted(out.parent.glob("callgrind.*"), key=lambda path: int(path.suffix[1:]))
        totals = [_total(path) for path in dumps]
    # One up to each mark; every second one is between the two of a side.
    wanted = [(case, side) for case in cases for side in case.sides]
    if len(totals) != 2 * len(wanted):
        msg = "callgrind does not see getppid in this build of Python: nothing is counted"
        raise CannotCountError(msg)
    counts: Counts = {}
    for (case, side), total in zip(wanted, totals[1::2], strict=True):
        counts.setdefault(case.key, {})[side] = total / case.counted
    return counts


def run_counted(cases: Mapping[str, Case], keys: Sequence[str]) -> None:
    """Be the child: run what is counted."""
    for key in keys:
        case = cases[key]
        for make in case.sides.values():
            run = make()
            run(case.counted)  # specializes the bytecode and fills the pools
            gc.collect()
            gc.disable()
            os.getppid()
            run(case.counted)
            os.getppid()
            gc.enable()


def _total(path: Path) -> int:
    found = _TOTALS.search(path.read_text())
    return int(found[1]) if found else 0
