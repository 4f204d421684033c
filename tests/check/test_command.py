"""`kaiko-middleware check` as a person types it: plan, report, baseline and exit code."""

from __future__ import annotations

import json
import re
import socket
import sys
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING, Any

import pytest

from check.right_services import KEY
from kaiko_cli.main import main

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., tuple[int, str, str]]

KEYED = ("--header", f"x-api-key: {KEY}", "--path", "/items", "--path", "POST /items", "--unsafe")


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command; return its exit code, its output and what it says beside."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setenv("HYPOTHESIS_STORAGE_DIRECTORY", "unused")

    def command(*words: str) -> tuple[int, str, str]:
        code = main(["check", *words])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return command


# --- the report ------------------------------------------------------------------------


def test_a_right_service_passes(run: Run) -> None:
    """With 0, after the plan was said."""
    code, out, err = run("check.right_app:app", *KEYED)
    assert code == 0
    assert out.splitlines()[-1].endswith("s, nothing found.")
    assert "Looking for an OpenAPI document: at most 5 requests." in err
    assert "At most 79 requests, known path /items:" in err
    assert "    18  bodies       malformed, empty, wrongly typed and oversized bodies" in err


def test_a_broken_service_fails(run: Run) -> None:
    """With 1, and all that a developer needs is in the report."""
    code, out, _ = run("check.right_app:broken", *KEYED)
    assert code == 1
    for text in (
        "4  cache.control  Every error answer says Cache-Control",
        "cache.control  §4  Every error answer says Cache-Control",
        "  unknown path: there is no Cache-Control",
        "  $ curl -i -H 'Accept: application/json'",
        "  HTTP 404",
        "  Why: A cache keeps the error after the fault is gone.",
        "  Mend: ",
        "  Also: ",
        "breaches of 1 clause.",
    ):
        assert text in out


def test_no_format_shows_the_key(run: Run) -> None:
    """Neither the one that was given nor one like it."""
    for fmt in ("table", "json", "junit", "sarif", "markdown"):
        _, out, err = run("check.right_app:broken", *KEYED, "--format", fmt)
        assert KEY not in out + err
        assert "kaiko_test_Kaiko" not in out + err
        assert "x-api-key: ***" in out


def test_json_has_every_finding(run: Run) -> None:
    """For programs: what a table shows, and the key that a baseline knows it by."""
    _, out, _ = run("check.right_app:broken", *KEYED, "--format", "json")
    report: dict[str, Any] = json.loads(out)
    (finding, *_) = report["findings"]
    assert finding["key"] == "cache.control: unknown path"
    assert finding["section"] == "4"
    assert finding["request"] == "GET /kaiko-check-7d3f/no-such-path"
    assert report["sent"] == sum(report["planned"].values())
    assert report["interrupted"] is False


def test_junit_has_a_test_for_each_probe(run: Run) -> None:
    """So that CI shows which passed, too."""
    _, out, _ = run("check.right_app:broken", *KEYED, "--format", "junit")
    (suite,) = ET.fromstring(out)  # noqa: S314 - our own
    cases = {case.attrib["name"]: case for case in suite}
    assert len(cases) == int(suite.attrib["tests"]) > 60
    assert cases["known path"].find("failure") is None
    failure = cases["unknown path"].find("failure")
    assert failure is not None
    assert failure.attrib["type"] == "cache.control"
    failing = [case for case in suite if case.find("failure") is not None]
    assert len(failing) == int(suite.attrib["failures"])


def test_sarif_has_a_rule_and_results(run: Run) -> None:
    """With fingerprints, so that code scanning knows one again."""
    _, out, _ = run("check.right_app:broken", *KEYED, "--format", "sarif")
    (scan,) = json.loads(out)["runs"]
    (rule,) = scan["tool"]["driver"]["rules"]
    assert rule["id"] == "cache.control"
    prints = {result["partialFingerprints"]["kaikoCheck/v1"] for result in scan["results"]}
    assert len(prints) == len(scan["results"]) > 20
    assert {result["baselineState"] for result in scan["results"]} == {"new"}
    assert scan["invocations"] == [{"executionSuccessful": True}]


def test_markdown_is_a_page(run: Run, tmp_path: Path) -> None:
    """In a file, and the outcome is said beside."""
    page = tmp_path / "report.md"
    code, out, err = run(
        "check.right_app:more", *KEYED, "--format", "markdown", "--output", str(page)
    )
    assert (code, out) == (1, "")
    assert err.splitlines()[-1].endswith("of 2 clauses.")
    text = page.read_text(encoding="utf-8")
    assert text.startswith("# check.right\\_app:more\n")
    assert "| 4 | `cache.control` | Every error answer says Cache-Control | " in text
    assert "The request and the answer are those of `retry.header`." in text
    assert "\n```text\n$ curl -i" in text


def test_a_file_for_programs_hides_nothing_from_people(run: Run, tmp_path: Path) -> None:
    """The log of CI shows what was found, besides the file that CI reads."""
    words = ("--format", "junit", "--output", str(tmp_path / "check.xml"))
    _, _, err = run("check.right_app:broken", *KEYED, *words)
    assert "cache.control  §4  Every error answer says Cache-Control" in err
    assert err.splitlines()[-1].endswith("of 1 clause.")


def test_the_help_tells_the_exit_codes(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """Which CI goes by."""
    with pytest.raises(SystemExit):
        run("--help")
    assert "0 if nothing (new) was found, 1 if something was" in " ".join(
        capsys.readouterr().out.split()
    )


def test_a_plan_sends_nothing_else(run: Run) -> None:
    """But what looks for an OpenAPI document, unless that is unwanted, too."""
    code, out, err = run("check.right_app:broken", *KEYED, "--plan", "--no-openapi")
    assert (code, err) == (0, "")
    assert out.startswith("At most 79 requests to check.right_app:broken, known path /items:\n")


def test_kinds_can_be_left_out(run: Run) -> None:
    """By their names."""
    _, out, _ = run("check.right_app:app", "--plan", "--skip", "ids", "--skip", "cors")
    assert "inbound" not in out
    assert "compressed" in out


def test_it_can_be_quiet(run: Run) -> None:
    """For a log of CI."""
    _, _, err = run("check.right_app:app", *KEYED, "--quiet", "--output", "/dev/null")
    assert err == ""


# --- the baseline ----------------------------------------------------------------------


def test_a_baseline_lets_known_breaches_pass(run: Run, tmp_path: Path) -> None:
    """New ones fail, and those that are gone are named."""
    known = str(tmp_path / "known.json")
    code, _, err = run("check.right_app:broken", *KEYED, "--write-baseline", known)
    assert code == 0
    assert re.fullmatch(r".*/known\.json has \d\d known breaches now\.", err.splitlines()[-1])
    code, out, _ = run("check.right_app:broken", *KEYED, "--baseline", known)
    assert code == 0
    assert "nothing new found (" in out
    code, out, _ = run("check.right_app:more", *KEYED, "--baseline", known)
    assert code == 1
    assert "retry.header" in out
    assert "cache.control  " not in out
    code, out, _ = run("check.right_app:app", *KEYED, "--baseline", known)
    assert code == 0
    assert "Not found any more, remove them from the baseline:\n  cache.control: " in out


def test_a_baseline_that_is_written_again_says_what_is_new(run: Run, tmp_path: Path) -> None:
    """It takes down new breaches too, but not silently."""
    known = str(tmp_path / "known.json")
    told: list[str] = []
    for app in ("broken", "broken", "more"):
        _, _, err = run(f"check.right_app:{app}", *KEYED, "--write-baseline", known)
        told.append(err.splitlines()[-1].partition(" now")[2])
    assert told[:2] == [".", ", 0 of them new."]
    assert re.fullmatch(r", [1-9]\d* of them new\.", told[2])


def test_what_is_gone_is_told_in_a_few_lines(run: Run, tmp_path: Path) -> None:
    """One for each clause, however many of its breaches are gone."""
    known = str(tmp_path / "known.json")
    run("check.right_app:more", *KEYED, "--write-baseline", known)
    _, out, _ = run("check.right_app:app", *KEYED, "--baseline", known)
    gone = re.findall(r"^  (\S+): .*", out, re.MULTILINE)
    assert gone == ["cache.control", "retry.header"]
    assert re.search(r"; and \d+ more\n", out.replace("\n  ", " "))


def test_a_baseline_has_nothing_that_changes_by_itself(run: Run, tmp_path: Path) -> None:
    """Two runs write the same file, so it can be committed."""
    first, second = tmp_path / "1.json", tmp_path / "2.json"
    for path in (first, second):
        run("check.right_app:more", *KEYED, "--write-baseline", str(path))
    assert first.read_bytes() == second.read_bytes()


def test_what_was_not_asked_is_not_gone(run: Run, tmp_path: Path) -> None:
    """A run that sends less says nothing of the rest of the baseline."""
    known = str(tmp_path / "known.json")
    run("check.right_app:broken", *KEYED, "--write-baseline", known)
    words = ("--baseline", known, "--skip", "bodies", "--format", "json")
    _, out, _ = run("check.right_app:app", *KEYED, *words)
    assert "malformed JSON" not in out
    assert "unknown path" in out


@pytest.mark.parametrize("fmt", ["json", "junit", "sarif", "markdown"])
def test_every_format_tells_known_breaches(run: Run, tmp_path: Path, fmt: str) -> None:
    """And what is gone, where there is a place for it."""
    known = str(tmp_path / "known.json")
    run("check.right_app:broken", *KEYED, "--write-baseline", known)
    words = ("--baseline", known, "--format", fmt)
    code, out, _ = run("check.right_app:broken", *KEYED, *words)
    assert code == 0
    said = {"json": '"known": [', "junit": "<skipped", "sarif": '"unchanged"', "markdown": "known"}
    assert said[fmt] in out
    _, out, _ = run("check.right_app:app", *KEYED, *words)
    assert ("cache.control: unknown path" in out) == (fmt in {"json", "markdown"})


# --- what cannot be checked ------------------------------------------------------------


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "Name one target"),
        (("check.right_app:app", "--django", "x.settings"), "Name one target"),
        (("shop",), "shop is no target: name an address"),
        (("check.nothing_here:app",), "check.nothing_here cannot be imported: ModuleNotFound"),
        (("check.right_app:nothing",), "check.right_app:nothing does not exist"),
        (("check.right_app:text",), "is no ASGI and no WSGI application, but a str"),
        (("check.right_app:app", "--openapi", "/none"), "/none is answered with 404"),
        (("check.right_app:app", "--openapi", "/items"), "/items: It is no OpenAPI document"),
        (("check.right_app:app", "--openapi", "none.yaml"), "none.yaml cannot be read"),
        (("check.right_app:app", "--stream", "POST /events"), "takes POST, which needs --unsafe"),
        (("check.right_app:app", "--baseline", "none.json"), "--write-baseline writes one"),
        (("check.right_app:app", "--output", "/none/x"), "/none/x cannot be written"),
        (("check.right_app:app", "--write-baseline", "/none/x"), "/none/x cannot be written"),
        (("ftp://127.0.0.1",), "is no address: write it as"),
        (("http://127.0.0.1:99999",), "has no valid port"),
        (("http://me:secret@127.0.0.1",), "An address has no password: use --header"),
        (("http://127.0.0.1/?a=1",), "has a query or a fragment"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)
def test_what_cannot_be_checked_is_said(run: Run, words: tuple[str, ...], said: str) -> None:
    """In a sentence, with 2."""
    if "/items" in words:
        words = (*words, "--header", f"x-api-key: {KEY}")
    code, out, err = run(*words)
    assert code == 2
    assert said in err
    assert "Traceback" not in out + err


def test_a_service_that_is_down_is_said(run: Run) -> None:
    """With 2: it is no breach of the contract."""
    code, _, err = run(f"http://127.0.0.1:{closed_port()}")
    assert code == 2
    assert "cannot be reached: ConnectError" in err


@pytest.mark.parametrize("text", ["{", "[]", '{"version": 2, "known": []}'])
def test_a_file_that_is_no_baseline_is_said(run: Run, tmp_path: Path, text: str) -> None:
    """Before anything is sent."""
    path = tmp_path / "known.json"
    path.write_text(text)
    code, _, err = run("check.right_app:app", "--baseline", str(path))
    assert code == 2
    assert "baseline" in err


@pytest.mark.parametrize(
    "words",
    [
        ("--header", "no colon"),
        ("--header", "x: \u2603"),
        ("--header", "x: a\nb"),
        ("--cases", "0"),
        ("--skip", "everything"),
        ("--format", "yaml"),
    ],
)
def test_a_wrong_word_is_refused(run: Run, words: tuple[str, str]) -> None:
    """By the command line, with 2."""
    with pytest.raises(SystemExit, match="2"):
        run("check.right_app:app", *words)
