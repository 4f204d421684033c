"""A report as Markdown, for a page or a comment on a change."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ._report import Finding, Report

__all__ = ["as_markdown"]

_MOST_PROBES = 12  # that are named where one clause is broken by many


def as_markdown(report: Report, *, level: int = 1) -> str:
    """Return a report as Markdown.

    Arguments:
        report: the report.
        level: the level of its heading.

    """
    return "\n".join(_lines(report, "#" * level)) + "\n"


def _lines(report: Report, mark: str) -> Iterator[str]:
    yield f"{mark} {_inline(report.target)}"
    yield ""
    yield _inline(report.outcome())
    if report.frameworks:
        yield f"Answered by: {', '.join(report.frameworks)}."
    groups = report.by_clause()
    if groups:
        yield ""
        yield "| § | Clause | What is promised | Breaches |"
        yield "|---|---|---|---|"
        for name, findings in groups.items():
            clause = findings[0].clause
            yield f"| {clause.section} | `{name}` | {_cell(clause.promise)} | {len(findings)} |"
    shown: dict[tuple[str, str], str] = {}
    for name, findings in groups.items():
        yield ""
        yield f"{mark}# `{name}`"
        yield ""
        yield from _group(findings, shown)
    yield from _list("Not found any more, remove them from the baseline:", report.gone)
    yield from _list("Left out:", report.notes)


def _group(findings: list[Finding], shown: dict[tuple[str, str], str]) -> Iterator[str]:
    first = findings[0]
    before = shown.setdefault((first.curl, first.answer), first.clause.id)
    yield f"{_inline(first.clause.promise)}. {_inline(first.clause.why)}"
    yield ""
    yield f"{_inline(first.probe)}: {_inline(first.message)}"
    yield ""
    if before == first.clause.id:
        yield from _block(f"$ {first.curl}\n{first.answer}")
    else:
        yield f"The request and the answer are those of `{before}`."
    yield ""
    yield f"**Mend it.** {_inline(first.mend)}"
    others = [finding.probe for finding in findings[1:]]
    if others:
        named = "; ".join(map(_inline, others[:_MOST_PROBES]))
        more = len(others) - _MOST_PROBES
        yield ""
        yield f"Also: {named}{f'; and {more} more' if more > 0 else ''}."


def _block(text: str) -> Iterator[str]:
    fence = "```"
    while fence in text:
        fence += "`"
    yield f"{fence}text"
    yield from text.split("\n")
    yield fence


def _list(title: str, items: tuple[str, ...]) -> Iterator[str]:
    if items:
        yield ""
        yield title
        yield ""
        yield from (f"- {_inline(item)}" for item in items)


def _inline(text: str) -> str:
    """Return text that Markdown shows as it is."""
    for char in "\\`*_<>[]":
        text = text.replace(char, f"\\{char}")
    return text.replace("\n", " ")


def _cell(text: str) -> str:
    return _inline(text).replace("|", "\\|")
