"""Words for a person: what was expected and seen, which rule is broken and what it is for."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from kaiko_middleware.conformance import Violation

    from ._answers import Answer
    from ._judge import Finding

__all__ = ["comparison", "cut", "exemption", "explained", "shown_answer", "words"]

_CELL = 60
_BODY = 1_000
_HEADERS = 30
_CLAUSES = {
    "1": "The envelope: exactly the members type, code, message, param, request_id, as JSON.",
    "2": "The rows: a status has one type, and a code has one meaning.",
    "3": "Statuses: 4xx are kept, every 5xx is sent as 500 or 503.",
    "4": "Headers: the id, X-Should-Retry and Cache-Control are on every error answer.",
    "5": "Request ids: 1 to 128 of A-Z a-z 0-9 . _ : / + = -, the same in header and body.",
    "6": "What a message may say: nothing from inside the service, and no key.",
    "8": "Exceptions: a failing stream ends with an error event, or is cut.",
}
_KINDS = {
    "contract": "it breaks the error contract",
    "leak": "its message leaks",
    "catalogue": "the catalogue lacks the code",
    "openapi": "the OpenAPI document lacks the code",
}
_OUTSIDE = (
    "Something outside of our middleware made this answer, or changed it. Put our middleware"
    " outermost."
)
_CAUSES = {
    "envelope": _OUTSIDE,
    "members": _OUTSIDE,
    "json": _OUTSIDE,
    "same-id": "Something outside of our middleware put another id on the answer.",
    "inside": "Raise a typed error with a message for the client; keep the cause for the log.",
    "key": "Leave keys and tokens out of messages.",
}


def cut(text: object, limit: int) -> str:
    """Return the start of a text, escaped onto one line."""
    said = str(text)
    said = said if said.isprintable() else ascii(said)[1:-1]
    return said if len(said) <= limit else f"{said[: limit - 1]}…"


def comparison(rows: Iterable[tuple[str, object, object, bool]]) -> str:
    """Return the table of what is expected and seen, side by side; `!` marks a difference."""
    cells = [
        (
            " " if right else "!",
            name,
            "(any)" if wanted is None else cut(wanted, _CELL),
            "null" if seen is None else cut(seen, _CELL),
        )
        for name, wanted, seen, right in rows
    ]
    width = max(len(wanted) for _, _, wanted, _ in [*cells, ("", "", "expected", "")])
    lines = [f"  {'':8} {'expected':{width}}  seen"]
    lines += [f"{mark} {name:8} {wanted:{width}}  {seen}" for mark, name, wanted, seen in cells]
    return "\n".join(line.rstrip() for line in lines)


def explained(rules: Iterable[Violation]) -> list[str]:
    """Return a paragraph on the broken rules, by section; an empty list where none is."""
    sections: dict[str, list[str]] = {}
    causes: dict[str, None] = {}
    for rule, section, message in rules:
        sections.setdefault(section, []).append(f"    {rule}: {cut(message, 200)}")
        if rule in _CAUSES:
            causes[_CAUSES[rule]] = None
    if not sections:
        return []
    lines = ["It breaks the contract:"]
    for section, broken in sorted(sections.items()):
        lines += [f"  {section}. {_CLAUSES[section]}", *broken]
    return ["\n".join([*lines, *causes])]


def shown_answer(answer: Answer) -> str:
    """Return the request's line, and the answer's head and body, bounded."""
    lines = [f"{answer.method} {cut(answer.url, 200)}".rstrip(), f"HTTP {answer.status}"]
    lines += [f"{cut(name, 60)}: {cut(value, 200)}" for name, value in answer.headers[:_HEADERS]]
    left = len(answer.headers) - _HEADERS
    if left > 0:
        lines.append(f"… and {left} more")
    body = answer.body[: _BODY + 1].decode("utf-8", "replace")
    if len(answer.body) > _BODY:
        body = f"{body[:_BODY]}… ({len(answer.body)} bytes)"
    return "\n".join(f"  {line}".rstrip() for line in [*lines, "", *body.splitlines()])


def words(answer: Answer, found: Sequence[Finding]) -> str:
    """Return what is wrong with an answer, and the answer.

    Arguments:
        answer: the answer.
        found: what is wrong; not empty.

    """
    code = answer.error().get("code")
    said = f"{answer.status} {code}" if isinstance(code, str) else f"{answer.status}"
    kinds = dict.fromkeys(_KINDS[each.kind] for each in found)
    return "\n\n".join(
        [
            f"{answer.method} {cut(answer.url, 80)} -> {cut(said, 80)}: {', '.join(kinds)}",
            *explained(each.rule for each in found if each.rule is not None),
            *(each.text for each in found if each.rule is None),
            shown_answer(answer),
        ]
    )


def exemption(found: Sequence[Finding]) -> str:
    """Return how a test says that it wants such an answer."""
    names = list(dict.fromkeys(each.name for each in found))
    if len(names) > 1:
        names = list(dict.fromkeys(each.kind for each in found))
    allow = f'"{names[0]}"' if len(names) == 1 else json.dumps(names)
    return (
        "If the test wants this answer, say so and why:\n"
        f'    @pytest.mark.kaiko(allow={allow}, reason="…")'
    )
