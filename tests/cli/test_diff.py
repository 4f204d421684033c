"""`kaiko-middleware catalog diff`: what breaks a client, and what does not."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import pytest

from cli.shop_files import SHOP, command, write
from kaiko_cli import main
from kaiko_cli.catalogue import Catalogue, Entry
from kaiko_cli.catalogue_diff import Change, compare, is_breaking
from kaiko_cli.catalogue_formats import as_json

if TYPE_CHECKING:
    from pathlib import Path

BASE: dict[str, Any] = {
    "code": "order_not_found",
    "statuses": (404,),
    "type": "not_found_error",
    "retry": False,
    "message": "It is not there",
    "resolution": "Look elsewhere.",
}
SAID = "404 not_found_error, retry: no"


def catalogue(*changes: dict[str, Any]) -> Catalogue:
    """A catalogue of entries that differ from the usual one."""
    return Catalogue(service="shop", codes=tuple(Entry(**{**BASE, **each}) for each in changes))


@pytest.mark.parametrize(
    ("change", "what", "old", "new"),
    [
        ({"statuses": (410,)}, "status", "404", "410"),
        ({"statuses": (404, 410)}, "status", "404", "404, 410"),
        ({"type": "conflict_error"}, "type", "not_found_error", "conflict_error"),
        ({"retry": True}, "retry", "no", "yes"),
        ({"code": "lost"}, "gone", "404 not_found_error, retry: no", ""),
    ],
)
def test_what_a_client_relies_on_breaks_it(
    change: dict[str, Any], what: str, old: str, new: str
) -> None:
    """Gone, or another status, type or retry."""
    found = [each for each in compare(catalogue({}), catalogue(change)) if is_breaking(each)]
    assert found == [("order_not_found", what, old, new)]


def test_what_a_person_reads_may_change() -> None:
    """Messages, what to do, where it is defined and what is mapped to it."""
    said = {
        "message": "Gone fishing",
        "param": "order_id",
        "resolution": "Wait.",
        "defined": ("shop.errors:Lost",),
        "exceptions": ("builtins:KeyError",),
    }
    assert compare(catalogue({}), catalogue(said)) == []


def test_a_new_code_breaks_nobody() -> None:
    """It is told all the same."""
    (found,) = compare(catalogue({}), catalogue({}, {"code": "sold"}))
    assert found == Change("sold", "new", "", "404 not_found_error, retry: no")
    assert not is_breaking(found)


def test_a_code_with_two_entries_is_compared_as_a_whole() -> None:
    """In any order; one that goes is a change."""
    conflict = {"statuses": (409,), "type": "conflict_error", "retry": True}
    assert compare(catalogue({}, conflict), catalogue(conflict, {})) == []
    changes = compare(catalogue({}, conflict), catalogue({}))
    assert [(each.what, each.old, each.new) for each in changes] == [
        ("status", "404, 409", "404"),
        ("type", "conflict_error, not_found_error", "not_found_error"),
        ("retry", "no or yes", "no"),
    ]


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Three releases."""
    for name, made in (
        ("old", catalogue({}, {"code": "sold"})),
        ("more", catalogue({}, {"code": "sold"}, {"code": "newer"})),
        ("less", catalogue({"retry": True}, {"code": "newer"})),
    ):
        (tmp_path / f"{name}.json").write_text(as_json(made))
    return tmp_path


def diff(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    """Run the command in this process."""
    code = main.main(["catalog", "diff", *map(str, arguments)])
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def test_the_exit_code_says_whether_clients_break(
    files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """0 for the same and for more, 1 for less."""
    old, more, less = (files / f"{name}.json" for name in ("old", "more", "less"))
    same = diff(capsys, old, old)
    assert same == (0, "No code is gone or changed, and none is new.\n", "")
    assert diff(capsys, old, old, "--format", "markdown") == same
    code, out, _ = diff(capsys, old, more)
    assert (code, out.splitlines()[2].split()[:2]) == (0, ["newer", "new"])
    code, out, _ = diff(capsys, old, less)
    assert code == 1
    assert [line.split()[:2] for line in out.splitlines()[2:]] == [
        ["order_not_found", "retry"],
        ["sold", "gone"],
        ["newer", "new"],
    ]


def test_the_difference_is_markdown_for_people_and_json_for_programs(
    files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Both say what breaks."""
    arguments = (files / "old.json", files / "less.json", "--format")
    code, out, _ = diff(capsys, *arguments, "markdown")
    assert code == 1
    assert "| `order_not_found` | retry | no | yes | **yes** |" in out
    assert "| `newer` | new |  | 404 not_found_error, retry: no | no |" in out
    code, out, _ = diff(capsys, *arguments, "json")
    assert (code, json.loads(out)) == (
        1,
        {
            "kaiko_catalog_diff": 1,
            "breaking": [
                {"code": "order_not_found", "what": "retry", "old": "no", "new": "yes"},
                {
                    "code": "sold",
                    "what": "gone",
                    "old": "404 not_found_error, retry: no",
                    "new": "",
                },
            ],
            "new": [
                {"code": "newer", "what": "new", "old": "", "new": SAID},
            ],
        },
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["old.json"], "catalog diff compares two: OLD and NEW"),
        (["old.json", "more.json", "less.json"], "catalog diff compares two: OLD and NEW"),
        (["old.json", "more.json", "--django", "a"], "catalog diff compares two: OLD and NEW"),
        (["shop", "shop.app:app"], "one process can import one: save OLD with --format json"),
        (["old.json", "more.json", "--format", "openapi"], "catalog diff has no --format openapi"),
        (["old.json", "absent.json"], "absent.json cannot be read: "),
        (["old.json", "no_such_module"], "no_such_module cannot be imported: "),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_compared_is_exit_code_2(
    files: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    said: str,
) -> None:
    """So that a script tells it from a difference."""
    monkeypatch.chdir(files)
    code, out, err = diff(capsys, *arguments)
    assert (code, out) == (2, "")
    assert err.startswith(said)


def test_a_file_is_read_from_standard_input(
    files: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in `git show v1:codes.json | kaiko-middleware catalog diff - codes.json`."""

    class Input:
        buffer = io.BytesIO((files / "less.json").read_bytes())

    monkeypatch.setattr("sys.stdin", Input())
    code, out, _ = diff(capsys, files / "old.json", "-")
    assert code == 1
    assert "sold" in out


def test_a_service_is_compared_with_its_last_release(tmp_path: Path) -> None:
    """It is imported; a module that is missing fails the comparison, too."""
    write(tmp_path, SHOP)
    old = command("catalog", "shop", "--format", "json", cwd=tmp_path)
    (tmp_path / "codes.json").write_text(old.stdout)
    same = command("catalog", "diff", "codes.json", "shop", cwd=tmp_path)
    assert (same.returncode, same.stdout[:10]) == (0, "No code is")
    errors = tmp_path / "shop/errors.py"
    # Of another length: Python takes a file of the same second and length for the compiled one.
    errors.write_text(errors.read_text().replace("status=410", "status = 404"))
    (tmp_path / "shop/late.py").write_text("import no_such_module")
    found = command("catalog", "diff", "codes.json", "shop", "--format=json", cwd=tmp_path)
    assert found.returncode == 1
    assert "shop.late cannot be imported" in found.stderr
    assert json.loads(found.stdout)["breaking"] == [
        {"code": "order_gone", "what": "status", "old": "410", "new": "404"}
    ]
    (tmp_path / "site_settings.py").write_text("ROOT_URLCONF = 'site_urls'")
    (tmp_path / "site_urls.py").write_text("urlpatterns = []")
    django = command("catalog", "diff", "codes.json", "--django", "site_settings", cwd=tmp_path)
    assert django.returncode == 1
    assert "order_not_found" in django.stdout
