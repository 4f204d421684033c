"""What the pytest plugin costs, switched on, on a suite of 1,000 tests: python -P bench/plugin.py.

Each round runs the suite without and with the options, in a new process each, in turns. What counts
is the processor's time of the whole process, start-up and collection included. Two tests of ten get
an error, unless `--errors` says otherwise.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

SUITE = '''
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from pydantic import BaseModel

from kaiko_fastapi import install, responses
from kaiko_middleware import NotFoundError


class LampNotFound(NotFoundError, code="lamp_not_found", param="lamp_id"):
    """There is no such lamp."""


class Lamp(BaseModel):
    name: str
    level: int


app = FastAPI()
install(app)


@app.get("/lamps/{number}", responses=responses(LampNotFound))
def lamp(number: int) -> Lamp:
    if number % 10 < ERRORS:
        raise LampNotFound(f"Lamp {number} is not there")
    return Lamp(name=f"lamp {number}", level=number)


@pytest.fixture
def client():
    return TestClient(app)


@pytest.mark.parametrize("number", range(TESTS))
def test_a_lamp(client, number):
    answer = client.get(f"/lamps/{number}")
    assert answer.status_code == (404 if number % 10 < ERRORS else 200)
'''
OPTIONS = ["--kaiko=strict", "--kaiko-report"]


def cost(folder: Path, options: list[str]) -> float:
    """Run the suite; return the processor's seconds."""
    before = os.times()
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_PLUGINS": PLUGIN},
    )
    after = os.times()
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    user = after.children_user - before.children_user
    return user + after.children_system - before.children_system


PLUGIN = "kaiko_pytest.plugin"


def main() -> None:
    """Print each round, and the median of the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tests", type=int, default=1_000)
    parser.add_argument("--errors", type=int, default=2, help="of ten tests, how many get an error")
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    ratios: list[float] = []
    off: list[float] = []
    on: list[float] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        text = SUITE.replace("TESTS", str(options.tests)).replace("ERRORS", str(options.errors))
        (folder / "test_lamps.py").write_text(text)
        cost(folder, [])  # compiles what is imported
        for turn in range(options.rounds):
            order: list[list[str]] = [[], OPTIONS] if turn % 2 else [OPTIONS, []]
            spent = {len(each): cost(folder, each) for each in order}
            off.append(spent[0])
            on.append(spent[len(OPTIONS)])
            ratios.append(on[-1] / off[-1])
            more = ratios[-1] - 1
            sys.stdout.write(f"{off[-1]:.2f} s off, {on[-1]:.2f} s on: {more:+.1%}\n")
    median = statistics.median(ratios) - 1
    quickest = min(on) / min(off) - 1
    sys.stdout.write(
        f"{options.rounds} rounds: median {median:+.1%}, quickest of each {quickest:+.1%}\n"
    )


if __name__ == "__main__":
    main()
