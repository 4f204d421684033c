"""Plays random programs for some minutes, and keeps the ones that break a promise.

    PYTHONPATH=tests python -m fuzz.run [MINUTES] [--seed N] [--save FILE] [--only KIND]

What it finds is shortened, printed and, with `--save`, added to a file of programs like
`found.json`, which the tests replay.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import time
from collections import Counter
from pathlib import Path
from random import Random, SystemRandom
from typing import TYPE_CHECKING

from fuzz.play import faults_of
from fuzz.programs import KINDS

if TYPE_CHECKING:
    from fuzz.programs import Program

_LISTS = ("ops", "call", "later", "headers")


def main() -> int:
    """Fuzz, and return 1 if anything was found."""
    parser = argparse.ArgumentParser(
        description="Play random programs, keep what breaks a promise."
    )
    parser.add_argument("minutes", nargs="?", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=SystemRandom().randrange(10**9))
    parser.add_argument("--save", type=Path)
    parser.add_argument("--only", choices=sorted(KINDS))
    given = parser.parse_args()
    kinds = [given.only] if given.only else sorted(KINDS)
    end = time.monotonic() + given.minutes * 60
    played: Counter[str] = Counter()
    found: dict[str, tuple[Program, list[str]]] = {}
    for number in itertools.count(given.seed):
        if time.monotonic() > end:
            break
        kind = kinds[number % len(kinds)]
        program = json.loads(json.dumps(KINDS[kind](Random(number))))
        played[kind] += 1
        faults = faults_of(program)
        if not faults or _sort_of(kind, faults) in found:
            continue
        program = shortened(program, _sort_of(kind, faults))
        faults = faults_of(program)
        found[_sort_of(kind, faults)] = program, faults
        print(f"seed {number}: {faults[0]}\n    {json.dumps(program)}", flush=True)
    told = ", ".join(f"{count} {kind}" for kind, count in sorted(played.items()))
    print(f"from seed {given.seed}: {told} programs played; {len(found)} sorts of faults")
    if given.save is not None:
        kept = json.loads(given.save.read_text()) if given.save.exists() else []
        kept += [program for program, _ in found.values()]
        lines = ",\n".join(f" {json.dumps(program)}" for program in kept)
        given.save.write_text(f"[\n{lines}\n]\n")
    return 1 if found else 0


def _sort_of(kind: str, faults: list[str]) -> str:
    words = faults[0].partition(":")[0].split() if faults else []
    return " ".join([kind, *words[:5]])


def shortened(program: Program, sort: str) -> Program:
    """Return `program` without the parts that its fault does not need."""
    changed = True
    while changed:
        changed = False
        for smaller in _smaller(program):
            if _sort_of(program["kind"], faults_of(smaller)) == sort:
                program, changed = smaller, True
                break
    return program


def _smaller(program: Program) -> list[Program]:
    smaller: list[Program] = []
    for name in _LISTS:
        for at in range(len(program.get(name, ()))):
            rest = [*program[name][:at], *program[name][at + 1 :]]
            smaller.append({**program, name: rest})
            op = program[name][at]
            if op and isinstance(op[-1], list):
                smaller += [
                    {
                        **program,
                        name: [
                            *program[name][:at],
                            [*op[:-1], [*op[-1][:i], *op[-1][i + 1 :]]],
                            *program[name][at + 1 :],
                        ],
                    }
                    for i in range(len(op[-1]))
                ]
    smaller += [
        {**program, "config": {k: v for k, v in program["config"].items() if k != key}}
        for key in program.get("config", ())
    ]
    return smaller


if __name__ == "__main__":
    sys.exit(main())
