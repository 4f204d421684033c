"""The demo's output: a table with one row for each cause, and what is wrong, if anything.

With fewer than 120 columns, each cell stacks two members of the envelope, since a code that is
cut in half can be neither read nor searched. Nothing depends on colour or on a character outside
of ASCII.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from kaiko_cli.compare import Shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kaiko_cli.compare import Verdict

__all__ = ["WIDE", "console", "findings", "results"]

WIDE = 120


def console() -> Console:
    """Return the console of standard output; a wide one if that is not a terminal."""
    made = Console(highlight=False)
    if made.is_terminal or "COLUMNS" in os.environ:
        return made
    return Console(highlight=False, width=WIDE)


def results(verdicts: Sequence[Verdict], width: int) -> Table:
    """Return the table of the causes.

    Arguments:
        verdicts: one for each row.
        width: the number of columns.

    """
    wide = width >= WIDE
    # The table fits exactly into 80 columns, and into 120.
    table = Table(box=box.SIMPLE_HEAD, padding=0, pad_edge=False, show_edge=False)
    table.add_column("cause", overflow="fold")
    table.add_column("status", overflow="fold")
    for heading in ("type", "code", "param", "id") if wide else ("type, code", "id, param"):
        table.add_column(heading, overflow="fold")
    table.add_column("agree")
    for verdict in verdicts:
        shown = _merged(verdict)
        cells = (
            (shown.type, shown.code, shown.param, shown.id)
            if wide
            else (f"{shown.type}\n{shown.code}".strip(), f"{shown.id}\n{shown.param}".strip())
        )
        table.add_row(
            verdict.cause.name,
            Text(shown.status, "green" if verdict.good else "bold red"),
            *(Text(cell) for cell in cells),
            _agree(verdict),
        )
    return table


def findings(verdict: Verdict) -> Iterator[Text]:
    """Yield the lines that say what is wrong with a cause and where its answers differ."""
    yield Text(verdict.cause.name, "bold red")
    for fault in verdict.wrong:
        yield Text(f"  {fault}")
    for part, said in verdict.differences.items():
        yield Text(f"  {part} differs:")
        widest = max(map(len, said))
        for stack, value in said.items():
            yield Text(f"    {stack:<{widest}}  {value}")


def _merged(verdict: Verdict) -> Shown:
    """Return one value if the stacks agree, else all of them; of the ids, the first."""
    answers = list(verdict.shown.values())
    merged = (
        " / ".join(value or "(none)" for value in dict.fromkeys(values)) if any(values) else ""
        for values in zip(*answers, strict=True)
    )
    return Shown(*merged)._replace(id=answers[0].id)


def _agree(verdict: Verdict) -> Text:
    if verdict.differences:
        return Text("no", "bold red")
    # If the stacks agree on a wrong answer, say that it is wrong.
    return Text("wrong", "bold red") if verdict.wrong else Text("yes", "green")
