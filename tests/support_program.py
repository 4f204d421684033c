"""Programs beside the tests, for what would change the tests' own process for good."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["a_persons_environment", "run_apart", "run_program"]

_TESTS = Path(__file__).parent


def a_persons_environment() -> dict[str, str]:
    """Return the environment without what other tests of this process set in it."""
    ours = ("COLUMNS", "DJANGO_SETTINGS_MODULE")
    return {name: value for name, value in os.environ.items() if name not in ours}


def run_program(
    module: str, *arguments: str, cwd: Path | None = None, warnings: tuple[str, ...] = ("ignore",)
) -> Any:
    """Run a module of the tests in a process of its own; return the JSON of its last line."""
    path = os.pathsep.join(filter(None, [str(_TESTS), os.environ.get("PYTHONPATH")]))
    done = subprocess.run(
        [sys.executable, *(f"-W{each}" for each in warnings), "-m", module, *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": path},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


def run_apart(work: Callable[[str], str], name: str) -> str:
    """Call `work` in a fork of this process, which it cannot spoil; return what it returns."""
    reader, writer = os.pipe()
    process = os.fork()
    if process == 0:
        try:
            said = work(name)
        except BaseException:  # noqa: BLE001 - the parent tells of it
            said = traceback.format_exc()
        with os.fdopen(writer, "w") as output:
            output.write(said)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as output:
        said = output.read()
    _, status = os.waitpid(process, 0)
    return said if status == 0 else f"{said}\n{name} ended with {status}"
