"""`kaiko-middleware catalog`: the rows of the contract and every known code.

A service's own codes are known after its module with the error classes is imported. Name the
modules to import: `kaiko-middleware catalog shop.errors`.
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
    """Declare the command's arguments."""
    parser.add_argument("modules", nargs="*", metavar="module", help="a module that defines codes")


def run(options: argparse.Namespace) -> int:
    """Print two tables: the rows, and the codes."""
    # Like `python -m`: find a service's modules in the current directory.
    sys.path.insert(0, "")
    modules: list[str] = options.modules
    for module in modules:
        try:
            importlib.import_module(module)
        except ImportError as exc:
            print(f"{module} cannot be imported: {exc}", file=sys.stderr)
            return 1
    console = tables.console()
    wide = console.width >= tables.WIDE
    console.print(_rows(wide=wide))
    console.print()
    console.print(_codes(wide=wide))
    return 0


def _rows(*, wide: bool) -> Table:
    if wide:
        table = _table("status", "type", "example", "retry", texts=("meaning", "resolution"))
    else:
        table = _table("status", "type, example", "retry", texts=("meaning, resolution",))
    for row in ROWS:
        names, texts = (row.type, row.example), (row.meaning, row.resolution)
        _add(table, str(row.status), names, _retry(row.retryable), texts, wide=wide)
    return table


def _codes(*, wide: bool) -> Table:
    if wide:
        table = _table("status", "type", "code", "retry", texts=("meaning", "resolution"))
    else:
        table = _table("status", "type, code", "retry", texts=("meaning, resolution",))
    for entry, statuses in _by_code():
        names, texts = (entry.type, entry.code), (entry.meaning, entry.resolution)
        _add(table, statuses, names, _retry(entry.retryable), texts, wide=wide)
    return table


def _by_code() -> Iterator[tuple[CodeEntry, str]]:
    """Yield each code once, by status, with its status or range of statuses."""
    found: dict[str, list[CodeEntry]] = {}
    for entry in sorted(known_codes(), key=lambda entry: (entry.status, entry.code)):
        found.setdefault(entry.code, []).append(entry)
    for entries in found.values():
        first, last = entries[0].status, entries[-1].status
        yield entries[0], str(first) if first == last else f"{first}-{last}"


def _table(*names: str, texts: tuple[str, ...]) -> Table:
    """Return a table whose names are never broken; texts get the remaining width."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    for name in names:
        table.add_column(name, no_wrap=True)
    for text in texts:
        table.add_column(text)
    return table


def _add(
    table: Table,
    status: str,
    names: tuple[str, str],
    retry: str,
    texts: tuple[str, ...],
    *,
    wide: bool,
) -> None:
    """Add a row; in a narrow table, stack the names and the texts."""
    if not wide:
        names_cells, text_cells = ("\n".join(names),), ("\n".join(texts),)
        table.add_row(*map(Text, (status, *names_cells, retry, *text_cells)))
        return
    table.add_row(*map(Text, (status, *names, retry, *texts)))


def _retry(retryable: bool) -> str:  # noqa: FBT001 - the flag is the only argument
    return "yes" if retryable else "no"
