"""The demo or the tests on a machine that has nothing but Python.

`python3 tools/fresh.py demo` and `python3 tools/fresh.py test` each keep an environment of
their own in the checkout, `.venv-demo` and `.venv-test`, made by the first run and used
again until pyproject.toml or the Python changes. What follows the verb goes to the demo,
or to pytest. Only the standard library is used; the rest comes from the package index that
pip is set up for. The matrix of Pythons and releases is nox's business.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WANTED = {
    "demo": ["-e", f"{ROOT}[demo]"],
    "test": ["-e", f"{ROOT}[all]", "--group", f"{ROOT / 'pyproject.toml'}:dev"],
}
# Quick and frank first; pytest, which also builds the documentation, last, so that its
# closing line is what one sees.
CHECKS = {
    "style": ["ruff", "check"],
    "format": ["ruff", "format", "--check"],
    "imports": ["lint-imports", "--no-logo"],
    "ty": ["ty", "check"],
    "pyrefly": ["pyrefly", "check"],
    "pyright": ["pyright"],
    "mypy": ["mypy"],
    "tests": ["pytest"],
}


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
    stamp = home / "made-from"
    made_from = hashlib.sha256(
        f"{sys.version} {sys.base_prefix} {WANTED[verb]}".encode()
        + (ROOT / "pyproject.toml").read_bytes()
    ).hexdigest()
    if not stamp.is_file() or stamp.read_text() != made_from:
        say(f"installing into {home.name}, which takes a minute")
        venv.create(home, clear=True, with_pip=True)
        pip = [str(python), "-m", "pip", "-qq", "--disable-pip-version-check", "install"]
        subprocess.run([*pip, "--upgrade", "pip>=25.1"], check=True, env=variables)
        subprocess.run([*pip, *WANTED[verb]], check=True, env=variables, cwd=ROOT)
        stamp.write_text(made_from)
    return variables


def run(command: list[str], variables: dict[str, str]) -> int:
    """Run a program of the environment in the checkout, return how it ended.

    What it says on standard error joins its output, in order: the last words of a program
    that crashed are there, and a log may keep the one and lose the other.
    """
    program = shutil.which(command[0], path=variables["PATH"])
    if program is None:
        say(f"{command[0]} is not installed")
        return 127
    return subprocess.run(
        [program, *command[1:]], check=False, env=variables, cwd=ROOT, stderr=subprocess.STDOUT
    ).returncode


def check_all(rest: list[str], variables: dict[str, str]) -> int:
    """Run every check, the ones after a failure too, and name those that failed."""
    failed: list[str] = []
    for name, command in CHECKS.items():
        say(" ".join(command))
        started = time.monotonic()
        code = run([*command, *(rest if name == "tests" else ())], variables)
        how = f"FAILED with {code}" if code else "ok"  # below zero: by a signal of that number
        say(f"{name}: {how}, {time.monotonic() - started:.0f} s")
        if code:
            failed.append(name)
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
        return run(["kaiko-middleware", "demo", *rest], environment(verb))
    if verb == "test":
        return check_all(rest, environment(verb))
    say("usage: python3 tools/fresh.py demo | test")
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
