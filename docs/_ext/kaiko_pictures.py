"""The pictures of the pages and their tables, drawn from data at build time.

`picture` draws one of `PICTURES`, for a wide and for a narrow screen; CSS shows the one that fits.
An error's way is traced when the pages are built (`bench/error_way.py`). The outage and the costs
are stored in `docs/_data` by `bench/outage.py --write` and `bench/run.py --json`; `outage-table`,
`costs-table` and `costs-taken` write the same data as text.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from functools import cache
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from drawing.costs import GROUPS, costs, rows_of
from drawing.error_way import STEPS, error_way, functions_of
from drawing.outage import outage
from drawing.svg import NARROW, WIDE
from kaiko_tables import table

if TYPE_CHECKING:
    from collections.abc import Callable

    from docutils.nodes import Node
    from sphinx.application import Sphinx

    from drawing.error_way import Way

_ROOT = Path(__file__).resolve().parents[2]
_DATA = _ROOT / "docs" / "_data"
_TRACED = ("starlette_typed", "starlette_bug")
# What the page names of the environment that the costs were taken in.
_TAKEN = {"starlette": "Starlette", "django": "Django"}


@cache
def _stored(name: str) -> dict[str, Any]:
    """Read what a benchmark has stored."""
    loaded: dict[str, Any] = json.loads((_DATA / name).read_text(encoding="utf-8"))
    return loaded


@cache
def _ways() -> dict[str, Way]:
    """Trace a typed error and an unmapped exception, in a process of their own."""
    command = [sys.executable, "-P", str(_ROOT / "bench" / "error_way.py"), "--json", *_TRACED]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - ours
    loaded: dict[str, Way] = json.loads(done.stdout)
    return loaded


@cache
def _core() -> frozenset[str]:
    """Name the modules of the core, as import-linter knows them."""
    project = tomllib.loads((_ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (core,) = (
        contract["layers"]
        for contract in project["tool"]["importlinter"]["contracts"]
        if contract["id"] == "core-layers"
    )
    return frozenset(name.strip() for layer in core for name in layer.split(":"))


def _error_way(key: str, width: int) -> str:
    return error_way(key, _ways()["starlette_typed"], _core(), width)


def _outage(key: str, width: int) -> str:
    return outage(key, _stored("outage.json"), width)


def _costs(group: str) -> Callable[[str, int], str]:
    def draw(key: str, width: int) -> str:
        return costs(key, GROUPS[group], _stored("costs.json")["figures"], width)

    return draw


PICTURES: dict[str, Callable[[str, int], str]] = {
    "error-way": _error_way,
    "outage": _outage,
    **{f"costs-{name}": _costs(name) for name in GROUPS},
}


class _Picture(SphinxDirective):
    """A picture; the content is its caption."""

    required_arguments = 1
    has_content = True

    def run(self) -> list[Node]:
        name: str = self.arguments[0]
        self.env.note_reread()  # the data is no source of the page
        drawn = "".join(
            f'<div class="picture-{kind}">{PICTURES[name](f"{name}-{kind}", width)}</div>'
            for kind, width in (("wide", WIDE), ("narrow", NARROW))
        )
        caption = escape(" ".join(self.content), quote=False)
        said = f"<figcaption>{caption}</figcaption>" if caption else ""
        figure = f'<figure class="picture">{drawn}{said}</figure>'
        return [nodes.raw("", figure, format="html")]


def _outage_table() -> str:
    heading, *rows = _stored("outage.json")["table"]
    return table(heading, rows, numbers=len(heading) - 1)


def _costs_table() -> str:
    heading = ("What", "Ours", "Goal", "Goal met", "Best peer")
    return table(heading, rows_of(_stored("costs.json")["figures"]))


def _costs_taken() -> str:
    taken = _stored("costs.json")["environment"]
    libraries = ", ".join(f"{shown} {taken[name]}" for name, shown in _TAKEN.items())
    return (
        f"Taken on {taken['date']} with {taken['python']} ({taken['machine']}), {libraries}, at "
        f"commit `{taken['commit']}`."
    )


def _way_table() -> str:
    """Write which functions each step takes, and what is between the steps."""
    way = _ways()["starlette_typed"]
    rows: list[tuple[str, str]] = []
    named: set[str] = set()
    for step in STEPS:
        names = functions_of(step, way)
        named.update(names)
        rows.append((step.title, ", ".join(f"`{name}`" for name in names)))
    between = [name for names in way.values() for name in names if name not in named]
    return table(
        ("Step", "Functions"), [*rows, ("between", ", ".join(f"`{name}`" for name in between))]
    )


TEXTS = {
    "outage-table": _outage_table,
    "costs-table": _costs_table,
    "costs-taken": _costs_taken,
    "error-way-table": _way_table,
}


class _Text(SphinxDirective):
    def run(self) -> list[Node]:
        self.env.note_reread()
        return self.parse_text_to_nodes(TEXTS[self.name]())


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directives."""
    app.add_directive("picture", _Picture)
    for name in TEXTS:
        app.add_directive(name, _Text)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
