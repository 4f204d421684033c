"""A catalogue as a table, a Markdown page, JSON and an OpenAPI document."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from rich import box
from rich.table import Table
from rich.text import Text

from kaiko_cli.plain_text import plain
from kaiko_middleware.catalog import CodeEntry
from kaiko_middleware.openapi import error_components

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from kaiko_cli.catalogue import Catalogue, Entry

__all__ = ["as_json", "as_markdown", "as_openapi", "as_table", "markdown_table", "statuses"]

_INTRODUCTION = """\
Every error answer has the same JSON body. Branch on `code`; treat a code that is not listed like
its `type`."""
_MARKDOWN = str.maketrans({char: f"\\{char}" for char in r"\`*_[]|<>"})


def as_table(catalogue: Catalogue, *, wide: bool) -> Table:
    """Return a table for a terminal.

    Arguments:
        catalogue: what to show.
        wide: whether there are 120 columns; with fewer, more of a code shares a cell.

    """
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    table.add_column("status", no_wrap=True)
    table.add_column("code, type, param", no_wrap=True)
    table.add_column("retry", no_wrap=True)
    if wide:
        table.add_column("message, what to do")
        table.add_column("defined, mapped", overflow="fold")
    else:
        table.add_column("message, what to do, defined", overflow="fold")
    for entry in catalogue.codes:
        names = [entry.code, entry.type, *([f"param: {plain(entry.param)}"] if entry.param else ())]
        texts = [plain(entry.message), plain(entry.resolution)]
        defined = [*entry.defined, *(f"for {name}" for name in entry.exceptions)]
        shown = (texts, defined) if wide else ([*texts, *defined],)
        cells = (statuses(entry), "\n".join(names), yes(entry.retry), *map("\n".join, shown))
        table.add_row(*map(Text, cells))
    return table


def as_json(catalogue: Catalogue) -> str:
    """Return the file that `catalog diff` and `explain` read."""
    return json.dumps(catalogue.model_dump(mode="json"), indent=2)


def as_markdown(catalogue: Catalogue) -> str:
    """Return a page for the service's documentation."""
    lines = [
        f"# Error codes of {_cell(catalogue.service)}",
        "",
        _INTRODUCTION,
        "",
        markdown_table(
            ("Status", "Code", "Type", "Param", "Retry?", "Message", "What to do"),
            (
                (
                    statuses(entry),
                    f"`{entry.code}`",
                    f"`{entry.type}`",
                    _cell(entry.param or ""),
                    yes(entry.retry),
                    _cell(entry.message),
                    _cell(entry.resolution),
                )
                for entry in catalogue.codes
            ),
        ),
    ]
    own = [entry for entry in catalogue.codes if entry.defined or entry.exceptions]
    if own:
        lines += [
            "",
            "## Where they come from",
            "",
            markdown_table(
                ("Code", "Defined in", "Mapped exceptions", "Description"),
                (
                    (
                        f"`{entry.code}`",
                        "<br>".join(map(_cell, entry.defined)),
                        "<br>".join(map(_cell, entry.exceptions)),
                        _cell(entry.description),
                    )
                    for entry in own
                ),
            ),
        ]
    return "\n".join(lines)


def markdown_table(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table; the cells are Markdown."""
    lines = [heading, ["---"] * len(heading), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def as_openapi(catalogue: Catalogue) -> str:
    """Return an OpenAPI document without paths, whose components describe the error answers."""
    document = {
        "openapi": "3.1.0",
        "info": {"title": f"Error answers of {plain(catalogue.service)}", "version": "1"},
        "components": error_components(
            (
                CodeEntry(
                    entry.code,
                    status,
                    entry.type,
                    entry.message,
                    entry.resolution,
                    entry.retry,
                    entry.description,
                    entry.param,
                )
                for entry in catalogue.codes
                for status in entry.statuses
            ),
            id_header=catalogue.request_id_header,
        ),
    }
    return json.dumps(document, indent=2)


def statuses(entry: Entry) -> str:
    """Return the status, or the range of many."""
    if len(entry.statuses) > 3:
        return f"{entry.statuses[0]}-{entry.statuses[-1]}"
    return ", ".join(map(str, entry.statuses))


def yes(flag: bool) -> str:  # noqa: FBT001 - the flag is the only argument
    """Return a flag as a word."""
    return "yes" if flag else "no"


def _cell(text: str) -> str:
    return plain(text).translate(_MARKDOWN)
