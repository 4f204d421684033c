"""The formats of a report, by the word of `--format`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias, assert_never, get_args

from ._report_json import as_json
from ._report_junit import as_junit
from ._report_markdown import as_markdown
from ._report_sarif import as_sarif
from ._report_table import as_table

if TYPE_CHECKING:
    from ._report import Report

__all__ = ["FORMATS", "Format", "render_report"]

Format: TypeAlias = Literal["table", "json", "junit", "sarif", "markdown"]
FORMATS: tuple[Format, ...] = get_args(Format)
"""`table` for people, `json` for programs, `junit` and `sarif` for CI, `markdown` for a page."""


def render_report(report: Report, fmt: Format = "table") -> str:
    """Return a report as text.

    Arguments:
        report: the report.
        fmt: one of `FORMATS`.

    """
    match fmt:
        case "table":
            return as_table(report)
        case "json":
            return as_json(report)
        case "junit":
            return as_junit(report)
        case "sarif":
            return as_sarif(report)
        case "markdown":
            return as_markdown(report)
        case _:
            assert_never(fmt)
