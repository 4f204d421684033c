"""What the sources of the pages must not, and what the quick starts must all have."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES = sorted(page for page in DOCS.rglob("*.md") if "_build" not in page.parts)
EXAMPLES = sorted(DOCS.glob("examples/**/*.py"))
INCLUDED = re.compile(r"```\{literalinclude\} (\S+\.py)\n((?::.*\n)*)```")
IMPORTS = (ast.Import, ast.ImportFrom)
HEADINGS = [
    "Install",
    "Add it",
    "Raise errors",
    "See the answer",
    "Read the id",
    "Test it",
    "What is covered",
    "Good to know",
]


def included() -> list[tuple[str, str, str]]:
    """List each example that a page shows to its end: its name, what is left out, what is shown."""
    found: list[tuple[str, str, str]] = []
    for page in PAGES:
        for name, options in INCLUDED.findall(page.read_text()):
            start = re.search(r"^:start-at: (.+)$", options, re.MULTILINE)
            if start is None or ":end-" in options:
                continue
            lines = (page.parent / name).read_text().splitlines(keepends=True)
            first = next(number for number, line in enumerate(lines) if start[1] in line)
            if not lines[first].startswith("@"):  # a part, and no file
                title = f"{page.stem}: {Path(name).stem}"
                found.append((title, "".join(lines[:first]), "".join(lines[first:])))
    return found


@pytest.mark.parametrize(
    ("left_out", "shown"),
    [pytest.param(left_out, shown, id=name) for name, left_out, shown in included()],
)
def test_a_file_that_a_page_shows_is_whole(left_out: str, shown: str) -> None:
    """A reader who copies it needs none of the imports above what is shown."""
    imports = [node for node in ast.parse(left_out).body if isinstance(node, IMPORTS)]
    names = {alias.asname or alias.name for node in imports for alias in node.names}
    used = {node.id for node in ast.walk(ast.parse(shown)) if isinstance(node, ast.Name)}
    assert not names & used


def test_a_saved_file_has_the_name_that_it_is_imported_by() -> None:
    """What a page tells a reader to save is the example, which the pages import by its name."""
    saved = [
        (page, name)
        for page in PAGES
        for name in re.findall(r"^Save it as `(\w+)\.py`", page.read_text(), re.MULTILINE)
    ]
    assert saved
    for page, name in saved:
        assert f"../examples/{name}.py\n" in page.read_text()
        assert f" {name}:app\n" in page.read_text()


@pytest.mark.parametrize(
    "framework",
    [
        "asgi",
        "wsgi",
        "starlette",
        "fastapi",
        "django",
        "drf",
        "ninja",
        "litestar",
        "flask",
        "quart",
    ],
)
def test_quick_starts_have_the_same_headings(framework: str) -> None:
    """A reader who knows one page finds the way in the others."""
    page = (DOCS / "quickstart" / f"{framework}.md").read_text()
    headings = re.findall(r"^## (.*)$", page, re.MULTILINE)
    # Some can do more: document their errors, or have Django check the settings.
    assert [heading for heading in headings if heading in HEADINGS] == HEADINGS


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS)))
def test_references_are_written_in_full(page: Path) -> None:
    """Sphinx lets a name without a module pass, so the pages write none."""
    roles = re.findall(r"\{py:\w+\}`~?([^`]+)`", page.read_text())
    assert all(role.startswith("kaiko_") for role in roles)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS)))
def test_blocks_say_a_language_that_is_checked(page: Path) -> None:
    """A block that no test understands could say anything."""
    languages = set(re.findall(r"^```(\S+)", page.read_text(), re.MULTILINE))
    directives = {language for language in languages if language.startswith("{")}
    assert languages - directives <= {"python", "json", "http", "console", "text", "typescript"}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: str(path.relative_to(DOCS)))
def test_examples_are_used(example: Path) -> None:
    """Each example is shown on a page, or is part of one that a page runs."""
    name = example.relative_to(DOCS / "examples").as_posix()
    module = name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    said = "\n".join(page.read_text() for page in PAGES)
    settings = (DOCS / "examples/shop/settings.py").read_text()
    assert f"examples/{name}" in said or module in said or f'"{module}"' in settings


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS)))
def test_shown_examples_can_be_copied(page: Path) -> None:
    """What names types that only checkers import needs the line that postpones annotations."""
    shown = re.findall(r"\{literalinclude\} (\S+\.py)\n:start-at: (.*)\n", page.read_text())
    for name, start in shown:
        code = (page.parent / name).read_text()
        code = code[code.index(start) :]
        assert "if TYPE_CHECKING:" not in code or "from __future__ import annotations" in code, name
