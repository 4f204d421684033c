"""The figures as a table for a person, and as JSON for a program."""

from __future__ import annotations

import json
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.figure import Figure

_SHOWN = ("kaiko-middleware", "starlette", "django", "uvicorn", "uvloop", "httptools", "httpx2")
_VERDICTS = {True: "[green]met[/]", False: "[red]missed[/]", None: "[yellow]not measured[/]"}


def environment() -> dict[str, str]:
    """Return what the figures were taken with."""
    found = {
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "machine": platform.machine(),
        "date": datetime.now(UTC).date().isoformat(),
        "commit": _commit(),
    }
    for name in _SHOWN:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def _commit() -> str:
    """Name the commit of this checkout."""
    command = ["git", "describe", "--always", "--dirty", "--exclude=*"]
    try:
        done = subprocess.run(
            command, cwd=Path(__file__).parent, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return done.stdout.strip()


def show(figures: Sequence[Figure], notes: Sequence[str]) -> None:
    """Print the table."""
    table = Table(title="What the middleware costs", title_style="bold")
    table.add_column("figure", min_width=30)
    for heading in ("measured", "p10-p90", "counted", "goal"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    for item in figures:
        measured = item.measured
        table.add_row(
            item.title,
            "–" if measured is None else f"{measured.median:.3g}",
            "–" if measured is None else f"{measured.p10:.3g}-{measured.p90:.3g}",
            "–" if item.counted is None else f"{item.counted:.3g}",
            str(item.goal),
            _VERDICTS[item.met],
        )
    console = Console()
    if not console.is_terminal:
        console.width = 140  # a log's lines are as long as they need to be
    console.print(table)
    console.print(
        "Medians of interleaved rounds; counted: instructions under valgrind, which decide "
        "where there are any, against the goal outside of brackets."
    )
    for note in [*notes, *(f"{item.title}: {item.note}" for item in figures if item.note)]:
        console.print(f"- {note}")
    console.print(", ".join(f"{name} {value}" for name, value in environment().items()))


def save(figures: Sequence[Figure], notes: Sequence[str], path: Path, *, quick: bool) -> None:
    """Write the JSON."""
    content = {
        "environment": environment(),
        "quick": quick,
        "figures": [item.as_json() for item in figures],
        "notes": list(notes),
    }
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
