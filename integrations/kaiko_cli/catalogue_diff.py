"""What a client of an old catalogue has to know of a new one.

A client breaks where a code is gone, or changed its status, its type or whether to retry. A new
code breaks no client that follows the contract: it treats it like its type.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Literal, NamedTuple

from rich import box
from rich.table import Table
from rich.text import Text

from kaiko_cli.catalogue_formats import markdown_table, yes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from kaiko_cli.catalogue import Catalogue, Entry

__all__ = ["Change", "compare", "diff_as_json", "diff_as_markdown", "diff_as_table", "is_breaking"]


class Change(NamedTuple):
    """One difference between two catalogues.

    `old` and `new` are the values, as text; empty where the code is not there.
    """

    code: str
    what: Literal["gone", "status", "type", "retry", "new"]
    old: str
    new: str


def compare(old: Catalogue, new: Catalogue) -> list[Change]:
    """Return what differs, what breaks clients first.

    Arguments:
        old: the catalogue that clients know.
        new: the catalogue of now.

    """
    before, after = old.by_code(), new.by_code()
    found: list[Change] = []
    for code, entries in before.items():
        if code in after:
            found += _changes(code, _said(entries), _said(after[code]))
        else:
            found.append(Change(code, "gone", _all(entries), ""))
    found += (
        Change(code, "new", "", _all(entries))
        for code, entries in after.items()
        if code not in before
    )
    return found


def is_breaking(change: Change) -> bool:
    """Whether a client of the old catalogue breaks."""
    return change.what != "new"


class _Said(NamedTuple):
    status: str
    type: str
    retry: str


def _said(entries: Iterable[Entry]) -> _Said:
    """Return what a code means, the same for the same entries in any order."""
    entries = list(entries)
    return _Said(
        ", ".join(map(str, sorted({status for each in entries for status in each.statuses}))),
        ", ".join(sorted({each.type for each in entries})),
        " or ".join(sorted({yes(each.retry) for each in entries})),
    )


def _all(entries: Iterable[Entry]) -> str:
    said = _said(entries)
    return f"{said.status} {said.type}, retry: {said.retry}"


def _changes(code: str, old: _Said, new: _Said) -> Iterator[Change]:
    if old.status != new.status:
        yield Change(code, "status", old.status, new.status)
    if old.type != new.type:
        yield Change(code, "type", old.type, new.type)
    if old.retry != new.retry:
        yield Change(code, "retry", old.retry, new.retry)


def diff_as_table(changes: list[Change]) -> Table | Text:
    """Return a table for a terminal, or a sentence where nothing differs."""
    if not changes:
        return Text(_NOTHING)
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    table.add_column("code", no_wrap=True)
    for name in ("what", "old", "new", "breaks clients"):
        table.add_column(name)
    for change in changes:
        breaks = Text("yes", "bold red") if is_breaking(change) else Text("no")
        table.add_row(*map(Text, change), breaks)
    return table


def diff_as_markdown(changes: list[Change]) -> str:
    """Return the same for a pull request's comment."""
    if not changes:
        return _NOTHING
    return markdown_table(
        ("Code", "What", "Old", "New", "Breaks clients?"),
        (
            (
                f"`{change.code}`",
                change.what,
                change.old,
                change.new,
                "**yes**" if is_breaking(change) else "no",
            )
            for change in changes
        ),
    )


def diff_as_json(changes: list[Change]) -> str:
    """Return the same for a program."""
    found = {
        "kaiko_catalog_diff": 1,
        "breaking": [change._asdict() for change in changes if is_breaking(change)],
        "new": [change._asdict() for change in changes if not is_breaking(change)],
    }
    return json.dumps(found, indent=2)


_NOTHING = "No code is gone or changed, and none is new."
