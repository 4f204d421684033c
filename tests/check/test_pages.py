"""The pages of `check` show what it prints."""

from __future__ import annotations

import json
import re

import pytest

from check import shown
from check.before import FRAMEWORKS, HEAD, heading
from support_program import run_program

BEFORE = shown.PAGE.with_name("check-before.md")


@pytest.fixture(scope="module")
def found() -> dict[str, str]:
    """What is found in each bare service now."""
    sections: dict[str, str] = run_program("check.before", "--json")
    return sections


def test_what_the_commands_print_is_on_the_page() -> None:
    """Written again by `python -m check.shown`."""
    page = shown.PAGE.read_text()
    assert page.count("$ kaiko-middleware check flask_app:app") >= 4
    assert shown.filled(page) == page


def clauses(section: str) -> set[str]:
    return set(re.findall(r"^\| \d \| `(\S+)` \|", section, re.MULTILINE))


def _reads_deep_json() -> bool:
    """Whether this Python reads what the check nests: 3.14 finds no end of it instead."""
    with pytest.raises((RecursionError, ValueError)) as raised:
        json.loads("[" * 20_000)
    return raised.type is not RecursionError


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_the_page_before_is_what_is_found(name: str, found: dict[str, str]) -> None:
    """Word by word with the versions that it names; other versions break clauses, too."""
    page = BEFORE.read_text()
    assert page.startswith(HEAD)
    if f"## {heading(name)}\n" in page and not _reads_deep_json():
        assert found[name] in page
    assert {"id.header", "retry.header", "cache.control", "id.on-success"} <= clauses(found[name])
