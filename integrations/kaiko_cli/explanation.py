"""An explanation of an error, and how it is shown: as lines of text, or as JSON."""

from __future__ import annotations

import json
import textwrap
from typing import NamedTuple

from kaiko_cli.plain_text import plain

__all__ = ["Explanation", "as_json", "as_text"]

_LABELS = {
    "meaning": "What it means",
    "fault": "Whose fault",
    "advice": "Retry",
    "todo": "What to do",
    "said": "It says",
    "param": "Param",
    "request_id": "Request id",
    "upstream_says": "Its own text",
    "answered": "To your callers",
    "earlier": "Answers before",
    "description": "Description",
    "defined": "Defined in",
    "exceptions": "Mapped from",
    "codes": "Codes",
    "upstream": "From an upstream",
    "llm": "From an LLM",
    "notes": "Note",
}
_NARROWEST = 40


class Explanation(NamedTuple):
    """What is told of an error.

    `facts` are by the names above; a list is shown as a line for each. `retry` is None where there
    is nothing to send again.
    """

    title: str
    retry: bool | None
    facts: dict[str, str | list[str]]


def as_text(explanation: Explanation, width: int) -> str:
    """Return lines for a terminal, with nothing in them that controls it.

    Arguments:
        explanation: what to show.
        width: the number of columns.

    """
    lines = [plain(explanation.title), ""]
    indent = max(map(len, _LABELS.values())) + 2
    for name, label in _LABELS.items():
        said = explanation.facts.get(name, ())
        for text in [said] if isinstance(said, str) else said:
            lines += textwrap.wrap(
                plain(text),
                max(width, _NARROWEST),
                initial_indent=f"{label:<{indent}}",
                subsequent_indent=" " * indent,
                break_on_hyphens=False,
            )
    return "\n".join(lines)


def as_json(explanation: Explanation) -> str:
    """Return the same for a program."""
    told = {"kaiko_explain": 1, "title": explanation.title, "retry": explanation.retry}
    return json.dumps({**told, **explanation.facts}, indent=2)
