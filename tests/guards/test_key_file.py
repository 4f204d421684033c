"""The keys of a file, made, listed and revoked on the command line."""

from __future__ import annotations

import runpy
import sys
from typing import TYPE_CHECKING

import pytest

from kaiko_guards import FileKeys, ValidKey
from kaiko_guards.__main__ import main

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_key_is_made_and_shown_once(capsys: pytest.CaptureFixture[str]) -> None:
    """On standard output alone, so that it can be put where it belongs."""
    assert main(["create", "billing", "--scope", "read", "--scope", "write"]) == 0
    out, told = capsys.readouterr()
    assert "shown once" in told
    key = out.strip()
    valid = ValidKey("billing", "billing", frozenset({"read", "write"}))
    assert FileKeys("keys.json").verify(key) == valid
    main(["list"])
    listed = capsys.readouterr().out
    assert listed == f"{key[:19]}  valid    billing  read write\n"


def test_keys_are_listed_and_revoked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By the start that the list shows, in a file of any name."""
    at = ["--file", str(tmp_path / "others.json")]
    keys: list[str] = []
    for name, until in (("a", "2999-01-01"), ("b", "2020-01-01T00:00:00+00:00")):
        main([*at, "create", name, "--expires", until, "--prefix", "kaiko_test_"])
        keys.append(capsys.readouterr().out.strip())
    verifier = FileKeys(tmp_path / "others.json")
    assert isinstance(verifier.verify(keys[0]), ValidKey)
    assert verifier.verify(keys[1]) == "expired"
    assert main([*at, "revoke", keys[0][:19]]) == 0
    assert capsys.readouterr().out == f"a ({keys[0][:19]}…) is revoked\n"
    assert FileKeys(tmp_path / "others.json").verify(keys[0]) == "revoked"
    main([*at, "list"])
    assert [line.split()[1] for line in capsys.readouterr().out.splitlines()] == [
        "revoked",
        "expired",
    ]


@pytest.mark.parametrize(
    "arguments",
    [
        ["create", "billing", "--expires", "tomorrow"],
        ["create", "billing", "--scope", "two words"],
        ["create", "billing", "--prefix", "Live"],
        ["revoke", "kaiko_live_nothing"],
    ],
)
def test_what_is_wrong_is_said(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """And nothing is written."""
    main(["create", "old"])
    before = (tmp_path / "keys.json").read_text()
    capsys.readouterr()
    assert main(arguments) == 1
    out, told = capsys.readouterr()
    assert (out, bool(told)) == ("", True)
    assert (tmp_path / "keys.json").read_text() == before


@pytest.mark.parametrize("text", [None, "{}", "[", '[{"name": "a"}]'])
def test_a_file_that_is_none_of_keys(tmp_path: Path, text: str | None) -> None:
    """Is left as it is."""
    file = tmp_path / "keys.json"
    if text is not None:
        file.write_text(text)
    assert main(["list"]) == 1
    assert (file.read_text() if text is not None else file.exists()) == (text or False)


def test_it_is_a_program(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the package itself, with no extra."""
    monkeypatch.setattr(sys, "argv", ["kaiko_guards", "list"])
    monkeypatch.delitem(sys.modules, "kaiko_guards.__main__")
    with pytest.raises(SystemExit) as caught:
        runpy.run_module("kaiko_guards", run_name="__main__")
    assert caught.value.code == 1
