"""The same sides under valgrind, which counts instructions: repeatable where times are not.

A child process runs each side some hundred times between two calls of `getppid`. callgrind
writes its counters down at each of these. The imports run before instrumentation is switched
on, which makes them several times faster.
"""

from __future__ import annotations

import gc
import os
import re
import shutil
import subprocess
import tempfile
import time
from contextvars import Context
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.case import Case

Counts = dict[str, dict[str, float]]
"""Instructions a call: by case, then by side."""

_READY, _GO = "ready", "go"
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
    valgrind, vgdb = shutil.which("valgrind"), shutil.which("vgdb")
    if valgrind is None or vgdb is None:
        msg = "valgrind is not installed: instructions are not counted"
        raise CannotCountError(msg)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "callgrind")
        errors = Path(folder, "errors")
        with errors.open("w") as sink:
            child = subprocess.Popen(
                [
                    valgrind,
                    "--tool=callgrind",
                    "--instr-atstart=no",
                    "--dump-before=getppid",
                    f"--callgrind-out-file={out}",
                    *command,
                    folder,
                    *(case.key for case in cases),
                ],
                env={**os.environ, "PYTHONHASHSEED": "0"},
                stdout=subprocess.DEVNULL,
                stderr=sink,
            )
            _switch_on(vgdb, child, Path(folder))
            child.wait()
        if child.returncode:
            last = (errors.read_text().strip().splitlines() or ["no message"])[-1]
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


def run_counted(cases: Mapping[str, Case], folder: str, keys: Sequence[str]) -> None:
    """Be the child: run what is counted.

    Arguments:
        cases: all there are.
        folder: where the parent is told that the imports are done, and says to go on.
        keys: which cases are counted.

    """
    # Each in a context of its own, as a server has it: in one that Django has put variables into,
    # to set and to reset another costs half as much again.
    sides = [(cases[key], make(), Context()) for key in keys for make in cases[key].sides.values()]
    for case, run, context in sides:
        context.run(run, case.counted)  # specializes the bytecode and fills the pools
    Path(folder, _READY).touch()
    while not Path(folder, _GO).exists():
        time.sleep(0.01)  # not blocked, so that valgrind looks for commands
    gc.collect()
    gc.freeze()
    gc.disable()
    for case, run, context in sides:
        context.run(run, case.counted // 4)  # specializes what another side ran in its own way
        os.getppid()
        context.run(run, case.counted)
        os.getppid()
        gc.collect()
    os._exit(0)  # there is nothing to clean up, and it would be instrumented


def _switch_on(vgdb: str, child: subprocess.Popen[bytes], folder: Path) -> None:
    """Switch instrumentation on once the child has imported what it needs."""
    while not (folder / _READY).exists():
        if child.poll() is not None:
            return
        time.sleep(0.05)
    command = [vgdb, f"--pid={child.pid}", "instrumentation", "on"]
    subprocess.run(command, capture_output=True, check=False)
    (folder / _GO).touch()


def _total(path: Path) -> int:
    found = _TOTALS.search(path.read_text())
    return int(found[1]) if found else 0
