"""A report for a terminal: a table of the clauses that are broken, then each of them in detail."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console, Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

    from ._report import Finding, Report

__all__ = ["as_table", "table"]

_WIDTH = 120
_MOST_PROBES = 6


def as_table(report: Report) -> str:
    """Return a report as plain text, 120 columns wide."""
    output = io.StringIO()
    Console(file=output, width=_WIDTH, highlight=False, color_system=None).print(table(report))
    return "\n".join(line.rstrip() for line in output.getvalue().split("\n"))


def table(report: Report) -> RenderableType:
    """Return a report for a console."""
    return Group(*_parts(report))


def _parts(report: Report) -> Iterator[RenderableType]:
    groups = report.by_clause()
    if groups:
        yield _summary(groups)
        shown: dict[tuple[str, str], str] = {}
        for findings in groups.values():
            yield Text()
            yield from _group(findings, shown)
        yield Text()
    if report.gone:
        yield Text("Not found any more, remove them from the baseline:", "green")
        yield from (Padding(Text(line), (0, 0, 0, 2)) for line in _gone(report.gone))
        yield Text()
    if report.frameworks:
        yield Text(f"Answered by: {', '.join(report.frameworks)}")
    yield from (Text(f"Note: {note}") for note in report.notes)
    yield Text(report.outcome(), "bold red" if report.findings else "bold green")


def _summary(groups: dict[str, list[Finding]]) -> Table:
    found = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    found.add_column("§")
    found.add_column("clause", no_wrap=True)
    found.add_column("what is promised")
    found.add_column("breaches", justify="right")
    for name, findings in groups.items():
        clause = findings[0].clause
        found.add_row(clause.section, Text(name, "red"), Text(clause.promise), str(len(findings)))
    return found


def _group(findings: list[Finding], shown: dict[tuple[str, str], str]) -> Iterator[RenderableType]:
    first = findings[0]
    before = shown.setdefault((first.curl, first.answer), first.clause.id)
    new = before == first.clause.id
    yield Text.assemble(
        (first.clause.id, "bold red"), f"  §{first.clause.section}  {first.clause.promise}"
    )
    others = [finding.probe for finding in findings[1:]]
    lines = [
        Text(f"{first.probe}: {first.message}"),
        *([Text(f"$ {first.curl}", "bold"), Text(first.answer, "dim")] if new else ()),
        *([] if new else [Text(f"The request and the answer are those of {before}.", "dim")]),
        Text(f"Why: {first.clause.why}"),
        Text(f"Mend: {first.mend}", "green"),
    ]
    if others:
        lines.append(Text(f"Also: {_some(others)}"))
    yield from (Padding(line, (0, 0, 0, 2)) for line in lines)


def _gone(keys: tuple[str, ...]) -> Iterator[str]:
    """Write a line for each clause: where the contract is adopted, hundreds of breaches go."""
    probes: dict[str, list[str]] = {}
    for key in keys:
        clause, _, probe = key.partition(": ")
        probes.setdefault(clause, []).append(probe)
    yield from (f"{clause}: {_some(named)}" for clause, named in probes.items())


def _some(probes: list[str]) -> str:
    more = len(probes) - _MOST_PROBES
    return f"{'; '.join(probes[:_MOST_PROBES])}{f'; and {more} more' if more > 0 else ''}"
