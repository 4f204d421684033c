"""`kaiko-middleware catalog`: the rows of the contract and every code that is known.

A service's own codes are known once its module with the error classes is imported, so
modules can be named: `kaiko-middleware catalog shop.errors`.
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING

from rich import box
from rich.table import Table
from rich.text import Text

from kaiko_cli import tables
from kaiko_middleware.catalog import ROWS, known_codes

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from kaiko_middleware.catalog import CodeEntry

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument(
        "modules", nargs="*", metavar="module", help="a module that defines codes of its own"
    )


def run(options: argparse.Namespace) -> int:
    """Print two tables: the rows, and the codes."""
    # As `python -m` would: a service's modules are looked for where the command is typed.
    sys.path.insert(0, "")
    modules: list[str] = options.modules
    for module in modules:
        try:
            importlib.import_module(module)
        except ImportError as exc:
            print(f"{module} cannot be imported: {exc}", file=sys.stderr)
            return 1
    console = tables.console()
    rows = _table("status", "type", "example", "retry", "meaning", "resolution")
    for row in ROWS:
        rows.add_row(
            *_texts(row.status, row.type, row.example, _retry(row.retryable)),
            *_texts(row.meaning, row.resolution),
        )
    codes = _table("code", "status", "type", "retry", "meaning")
    for entry, statuses in _by_code():
        codes.add_row(
            *_texts(entry.code, statuses, entry.type, _retry(entry.retryable), entry.meaning)
        )
    console.print(rows)
    console.print(codes)
    return 0


def _by_code() -> Iterator[tuple[CodeEntry, str]]:
    """Each code once, by status; one that stands for many statuses says from where to where."""
    found: dict[str, list[CodeEntry]] = {}
    for entry in sorted(known_codes(), key=lambda entry: (entry.status, entry.code)):
        found.setdefault(entry.code, []).append(entry)
    for entries in found.values():
        first, last = entries[0].status, entries[-1].status
        yield entries[0], str(first) if first == last else f"{first}-{last}"


def _table(*headings: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table


def _texts(*cells: object) -> list[Text]:
    return [Text(str(cell)) for cell in cells]


def _retry(retryable: bool) -> str:  # noqa: FBT001 - it is the one thing that is shown
    return "yes" if retryable else "no"
