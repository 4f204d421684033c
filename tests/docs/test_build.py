"""The pages build without a warning, and hold every name, setting and code there is."""

from __future__ import annotations

import ast
import html
import inspect
import re
import zlib
from pathlib import Path

import pytest

from kaiko_demo import errors
from kaiko_guards import ApiKeys, BodyLimit, CachedKeys, Deadline, FileKeys, RateLimit
from kaiko_middleware import Config
from kaiko_middleware.catalog import OWN_CODES, ROWS, STATUSES
from kaiko_middleware.headers import DESCRIBES_BODY, EXPOSED

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PACKAGES = {
    path.parent.name: path.parent
    for path in [ROOT / "kaiko_middleware/py.typed", *ROOT.glob("integrations/*/py.typed")]
}
PROGRAMS = {"kaiko_cli", "kaiko_demo"}  # run, not imported: their page is command-line.md
# What the README announces gets a page, and its names an entry.
ANNOUNCED = set(re.findall(r"^\| `(kaiko_\w+)` \|", (ROOT / "README.md").read_text(), re.MULTILINE))


def text_of(site: Path, page: str) -> str:
    """Read a page as text, without its markup."""
    return html.unescape(re.sub(r"<[^>]+>", "", (site / page).read_text()))


def documented(site: Path) -> set[str]:
    """List what the reference has an entry for."""
    packed = (site / "objects.inv").read_bytes().split(b"\n", 4)[4]
    lines = zlib.decompress(packed).decode().splitlines()
    return {line.split()[0] for line in lines if line.split()[1].startswith("py:")}


def public_names() -> list[tuple[str, str]]:
    """List the modules that say what they export, and each name."""
    found: list[tuple[str, str]] = []
    for package, folder in PACKAGES.items():
        if package not in ANNOUNCED - PROGRAMS:
            continue
        for path in sorted(folder.rglob("*.py")):
            parts = path.relative_to(folder.parent).with_suffix("").parts
            module = ".".join(parts).removesuffix(".__init__")
            if "._" in module:
                continue
            for node in ast.parse(path.read_text()).body:
                if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
                    found += [(module, name) for name in ast.literal_eval(node.value)]
    return found


def parent_of(module: str) -> str:
    """Name the package of a module, which may re-export its names."""
    return module.rpartition(".")[0]


def test_every_public_name_is_in_the_reference(site: Path) -> None:
    """A name of an `__all__` has an entry of its own, or in the façade that re-exports it."""
    entries = documented(site)
    missing = [
        f"{module}.{name}"
        for module, name in public_names()
        if f"{module}.{name}" not in entries
        and not any(f"{package}.{name}" in entries for package in (*PACKAGES, parent_of(module)))
    ]
    assert missing == []
    assert len(entries) > 100


def test_every_setting_is_described(site: Path) -> None:
    """Each key of Config has a section, and its default stands in the table."""
    page = text_of(site, "configuration.html")
    source = (DOCS / "configuration.md").read_text()
    for name, parameter in inspect.signature(Config).parameters.items():
        assert f"\n## `{name}`\n" in source
        assert name == "mapping" or repr(parameter.default) in page


@pytest.mark.parametrize(
    ("page", "described"),
    [
        ("keys", ApiKeys),
        ("keys", CachedKeys),
        ("keys", FileKeys),
        ("limits", RateLimit),
        ("sizes", BodyLimit),
        ("deadlines", Deadline),
    ],
)
def test_every_setting_of_a_guard_is_described(site: Path, page: str, described: type) -> None:
    """Each argument has a row: its default, and what it means."""
    source = (site / f"guards/{page}.html").read_text()
    rows = [
        [html.unescape(re.sub("<[^>]+>", "", cell)).strip() for cell in row.split("</td>")]
        for row in source.split("</tr>")
    ]
    found = {(row[0], row[1]) for row in rows if len(row) == 4 and row[2]}
    for name, parameter in inspect.signature(described).parameters.items():
        default = "required" if parameter.default is parameter.empty else repr(parameter.default)
        assert (name, "time.monotonic" if name == "clock" else default) in found


def test_every_code_and_status_is_in_the_contract(site: Path) -> None:
    """Rows, statuses, codes: nothing that the toolkit answers with is missing."""
    page = text_of(site, "contract.html")
    for row in ROWS:
        assert f"{row.status}\n" in page
        assert row.meaning in page
        assert row.resolution in page
    for status in STATUSES.values():
        assert status.code in page
        assert status.type in page
    for code in OWN_CODES:
        assert code in page
    for own in (getattr(errors, name) for name in errors.__all__):
        assert own.code in page
        assert own.message in page
        assert own.resolution in page
    for header in (*DESCRIBES_BODY, *(name.lower() for name in EXPOSED)):
        assert header in page.lower()


@pytest.mark.parametrize(
    ("package", "prefix", "page"),
    [
        ("kaiko_django", "kaiko", "quickstart/django.html"),
        ("kaiko_guards", "kaiko_guards", "quickstart/guards.html"),
    ],
)
def test_every_system_check_is_described(site: Path, package: str, prefix: str, page: str) -> None:
    """Each id that a package reports has a row."""
    pattern = rf"\b{prefix}\.[EW]\d{{3}}"
    modules = (ROOT / "integrations" / package).glob("*.py")
    ids = {found for each in modules for found in re.findall(pattern, each.read_text())}
    assert ids
    assert ids == set(re.findall(pattern, text_of(site, page)))


def test_every_announced_package_has_a_page(site: Path) -> None:
    """What the README lists is not forgotten here: its page, or the command's."""
    assert {"kaiko_middleware", "kaiko_asgi"} < ANNOUNCED <= PACKAGES.keys()
    for package in ANNOUNCED - PROGRAMS - {"kaiko_middleware"}:
        name = f"{package.removeprefix('kaiko_')}.md"
        pages = [page for page in (DOCS / "quickstart" / name, DOCS / name) if page.is_file()]
        assert pages, f"the README announces {package}, so {name} is due"
        assert package in pages[0].read_text()
    for program in PROGRAMS - {"kaiko_cli"}:
        assert program in text_of(site, "command-line.html")
