"""The keys of a file, made, listed and revoked on the command line."""

from __future__ import annotations

import json
import re
import runpy
import stat
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from kaiko_guards import FileKeys, ValidKey
from kaiko_guards import __main__ as program
from kaiko_guards.__main__ import main
from kaiko_middleware import ConfigError

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


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "keys.json cannot be read as JSON: FileNotFoundError"),
        ("[", "keys.json cannot be read as JSON: JSONDecodeError"),
        ("{}", "keys.json has a dict, not a list of entries"),
    ],
)
def test_a_verifier_says_what_is_wrong_with_its_file(
    tmp_path: Path, text: str | None, said: str
) -> None:
    """In a sentence, before the service starts."""
    if text is not None:
        (tmp_path / "keys.json").write_text(text)
    with pytest.raises(ConfigError, match=f"^{re.escape(said)}$"):
        FileKeys("keys.json")


BAD_NAMES = ["a\0", "a\nb", "\x1b[2Ja", "a\ud800", "a\u202eb", "", " "]


@pytest.mark.parametrize("name", BAD_NAMES, ids=ascii)
def test_a_name_is_one_line(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And a terminal shows it as it is."""
    assert main(["create", name]) == 1
    out, told = capsys.readouterr()
    assert (out, told.count("\n")) == ("", 1)
    assert told.startswith("name: ")
    assert list(tmp_path.iterdir()) == []


def test_the_list_shows_no_control_characters(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever wrote the file."""
    assert main(["create", "山田\u3000太郎"]) == 0
    file = tmp_path / "keys.json"
    (entry,) = json.loads(file.read_text())
    capsys.readouterr()
    hostile = {"name": "\x1b[2J\nroot\ud800", "scopes": ["\x07"]}
    file.write_text(json.dumps([entry, {**entry, "lookup": "kaiko_live_\x9b", **hostile}]))
    assert main(["list"]) == 0
    shown = capsys.readouterr().out
    assert "山田\u3000太郎" in shown
    assert r"kaiko_live_\x9b  valid    \x1b[2J\nroot\ud800  \x07" in shown
    assert len(shown.splitlines()) == 2
    assert main(["revoke", "kaiko_live_\x9b"]) == 0
    assert capsys.readouterr().out == r"\x1b[2J\nroot\ud800 (kaiko_live_\x9b…) is revoked" + "\n"
    assert main(["revoke", "\x1b"]) == 1
    assert "\x1b" not in capsys.readouterr().err


def test_the_file_keeps_its_mode_and_its_links(tmp_path: Path) -> None:
    """A service may read it as before, and nobody else may."""
    (tmp_path / "real").mkdir()
    real, link = tmp_path / "real" / "keys.json", tmp_path / "keys.json"
    link.symlink_to(real)
    assert main(["create", "a"]) == 0
    real.chmod(0o640)
    assert main(["create", "b"]) == 0
    assert main(["revoke", json.loads(real.read_text())[0]["lookup"]]) == 0
    assert link.is_symlink()
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    assert [entry["name"] for entry in json.loads(real.read_text())] == ["a", "b"]
    assert list(real.parent.iterdir()) == [real]


def test_commands_at_once_lose_no_key(tmp_path: Path) -> None:
    """Each reads what the other wrote."""
    names = [f"key {number}" for number in range(12)]
    with ThreadPoolExecutor(6) as pool:
        assert [*pool.map(lambda name: main(["create", name]), names)] == [0] * 12
    entries = json.loads((tmp_path / "keys.json").read_text())
    assert sorted(entry["name"] for entry in entries) == sorted(names)


def test_what_a_killed_command_left_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It may be another one that is writing, so that nothing deletes it."""
    monkeypatch.setattr("kaiko_guards.__main__._PATIENCE", -1)
    (tmp_path / "keys.json.new").touch()
    assert main(["create", "a"]) == 1
    assert "delete it" in capsys.readouterr().err
    assert [each.name for each in tmp_path.iterdir()] == ["keys.json.new"]


def test_it_is_a_program(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the package itself, with no extra."""
    monkeypatch.setattr(sys, "argv", ["kaiko_guards", "list"])
    # By its path: where this is installed, pytest rewrites it, and its hook gives runpy no code.
    with pytest.raises(SystemExit) as caught:
        runpy.run_path(program.__file__, run_name="__main__")
    assert caught.value.code == 1
