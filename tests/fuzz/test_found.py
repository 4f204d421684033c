"""What the fuzzer found once, and a few hundred programs more."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import pytest

from fuzz.play import faults_of
from fuzz.programs import KINDS

_FOUND = json.loads(Path(__file__).with_name("found.json").read_text())


def test_what_was_found_is_mended() -> None:
    """Each program broke a promise of the contract before."""
    faults = {json.dumps(program): faults_of(program) for program in _FOUND}
    assert {program: told for program, told in faults.items() if told} == {}


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_programs_keep_the_contract(kind: str) -> None:
    """The same programs each time: `nox -s fuzz` plays others."""
    programs = (json.loads(json.dumps(KINDS[kind](Random(seed)))) for seed in range(300))
    faults = {json.dumps(program): faults_of(program) for program in programs}
    assert {program: told for program, told in faults.items() if told} == {}
