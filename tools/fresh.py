"""The demo or the tests on a machine that has nothing but Python.

`python3 tools/fresh.py demo` and `python3 tools/fresh.py test` each keep an environment of
their own in the checkout, `.venv-demo` and `.venv-test`, made by the first run and used
again until pyproject.toml or the Python changes. What follows the verb goes to the demo,
or to pytest. The quick checks come first, and the slow ones run beside the tests, which often
wait for a program. Only the standard library is used; the rest comes from the package index that
pip is set up for. The matrix of Pythons and releases is nox's business.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
import venv
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
WANTED = {
    "demo": ["-e", f"{ROOT}[demo]"],
    "test": ["-e", f"{ROOT}[all]", "--group", f"{ROOT / 'pyproject.toml'}:dev"],
}
CHECKS = {
    "style": ["ruff", "check"],
    "format": ["ruff", "format", "--check"],
    "imports": ["lint-imports", "--no-logo"],
    "ty": ["ty", "check"],
    "pyrefly": ["pyrefly", "check"],
}
SLOW_CHECKS = {"pyright": ["pyright"], "mypy": ["mypy"]}
CORES = os.cpu_count() or 1
# They also build the documentation. One process more than there are cores: about a third of the
# time, each waits for a program.
TESTS = ["pytest", "-n", str(CORES + 1)]


def environment(verb: str) -> dict[str, str]:
    """Make or reuse the environment of this verb; return what its programs run with."""
    home = ROOT / f".venv-{verb}"
    programs = home / ("Scripts" if os.name == "nt" else "bin")
    python = programs / "python"
    variables = os.environ | {
        "PATH": os.pathsep.join([str(programs), os.environ.get("PATH", os.defpath)]),
        "VIRTUAL_ENV": str(home),
    }
    variables.pop("PYTHONHOME", None)
    variables.pop("PYTHONPATH", None)
    variables.pop("PYTHONDONTWRITEBYTECODE", None)  # each of many processes would compile anew
    stamp = home / "made-from"
    made_from = hashlib.sha256(
        f"{sys.version} {sys.base_prefix} {WANTED[verb]}".encode()
        + (ROOT / "pyproject.toml").read_bytes()
    ).hexdigest()
    if not stamp.is_file() or stamp.read_text() != made_from:
        say(f"installing into {home.name}, which takes half a minute")
        venv.create(home, clear=True, with_pip=True)
        install(WANTED[verb], [str(python), "-m"], variables)
        stamp.write_text(made_from)
    return variables


def install(wanted: list[str], modules: list[str], variables: dict[str, str]) -> None:
    """Install with uv, in a third of pip's time, or with pip where uv does not get there.

    uv reads no settings of pip's: where pip asks another index than PyPI, pip it is.
    """
    pip = [*modules, "pip", "--disable-pip-version-check"]
    listed = subprocess.run(
        [*pip, "config", "list"], check=False, env=variables, capture_output=True
    )
    tools = ["pip>=25.1"]
    if re.search(rb"\.(index-url|no-index)=", listed.stdout) is None:
        tools.append("uv>=0.7")  # the first that knows --group with a file
    subprocess.run([*pip, "-qq", "install", "--upgrade", *tools], check=True, env=variables)
    if len(tools) == 2:
        uv = [*modules, "uv", "pip", "install", "--quiet", "--compile-bytecode"]
        if subprocess.run([*uv, *wanted], check=False, env=variables, cwd=ROOT).returncode == 0:
            return
        say("uv did not get there, so pip installs")
    subprocess.run([*pip, "-qq", "install", *wanted], check=True, env=variables, cwd=ROOT)


class Ended(NamedTuple):
    """How a program ended."""

    code: int
    output: str
    """What it printed, where that was kept."""
    seconds: float


def run(command: list[str], variables: dict[str, str], *, beside: bool = False) -> Ended:
    """Run a program of the environment in the checkout, return how it ended.

    One that runs beside others gives way to them, and its output is kept for later. What it says
    on standard error joins its output, in order: the last words of a program that crashed are
    there, and a log may keep the one and lose the other.
    """
    program = shutil.which(command[0], path=variables["PATH"])
    if program is None:
        return Ended(127, f"{command[0]} is not installed\n", 0)
    nice = shutil.which("nice") if beside else None
    started = time.monotonic()
    done = subprocess.run(
        [*([nice] if nice else []), program, *command[1:]],
        check=False,
        env=variables,
        cwd=ROOT,
        stdout=subprocess.PIPE if beside else None,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    )
    return Ended(done.returncode, done.stdout or "", time.monotonic() - started)


def check_all(rest: list[str], variables: dict[str, str]) -> int:
    """Run every check, the ones after a failure too, and name those that failed."""
    failed: list[str] = []

    def start(pool: ThreadPoolExecutor, checks: dict[str, list[str]]) -> dict[str, Future[Ended]]:
        return {
            name: pool.submit(run, command, variables, beside=True)
            for name, command in checks.items()
        }

    def report(name: str, ended: Ended) -> None:
        print(ended.output, end="", flush=True)
        # Below zero: by a signal of that number.
        how = f"FAILED with {ended.code}" if ended.code else "ok"
        say(f"{name}: {how}, {ended.seconds:.0f} s")
        if ended.code:
            failed.append(name)

    with ThreadPoolExecutor(CORES) as pool:
        running = start(pool, CHECKS)
        slow = start(pool, SLOW_CHECKS)
        for name, future in running.items():
            say(" ".join(CHECKS[name]))
            report(name, future.result())
        say(" ".join([*TESTS, *rest]) + ", beside " + " and ".join(SLOW_CHECKS))
        report("tests", run([*TESTS, *rest], variables))
        for name, future in slow.items():
            report(name, future.result())
    say(f"failed: {', '.join(failed)}" if failed else "all green")
    return 1 if failed else 0


def say(text: str) -> None:
    """Tell the person in front, in order with what the programs print."""
    print(f"-- {text}", flush=True)


def main(arguments: list[str]) -> int:
    """Run the verb; 0 only when all of it went well."""
    if sys.version_info < (3, 11):  # noqa: UP036 - the one file that an older Python may meet
        say("Python 3.11 or newer is needed; this is " + sys.version.split()[0])
        return 2
    verb, *rest = arguments or [""]
    if verb == "demo":
        return run(["kaiko-middleware", "demo", *rest], environment(verb)).code
    if verb == "test":
        return check_all(rest, environment(verb))
    say("usage: python3 tools/fresh.py demo | test")
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
