"""Judging the answers to one cause: is each of them right, and are they all the same?

An answer is right if it is what the cause expects, passes the contract's own check, and leaks
nothing. Answers are the same if status, body and the headers of section 4 of the contract are
the same bytes after the request's id is masked.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, cast

from kaiko_cli.wire import last_event, last_line
from kaiko_middleware.conformance import check_answer, check_event_stream, check_json_lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from kaiko_cli.wire import Received
    from kaiko_demo import Cause

__all__ = ["COMPARED_HEADERS", "Shown", "Verdict", "judge", "repeated_ids"]

_MASK = b"req-**********"
_ID = re.compile(r"req-[0-9a-f]{10}", re.ASCII)
_ID_HEADER = "X-Request-ID"
_LINES = "application/x-ndjson"

COMPARED_HEADERS = (
    "Content-Type",
    "X-Should-Retry",
    "Cache-Control",
    "Retry-After",
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "X-RateLimit-Reset",
    "WWW-Authenticate",
    "Access-Control-Expose-Headers",
    "Content-Encoding",
    "Content-Language",
    "ETag",
)
"""The headers of section 4 that must be the same. Servers and frameworks may add others."""


class Shown(NamedTuple):
    """A stack's answer, as the table shows it."""

    status: str
    type: str
    code: str
    param: str
    id: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result for one cause.

    Arguments:
        cause: the cause.
        answers: the answer of each stack, by the stack's name.
        shown: the same, as the table shows it.
        wrong: what is wrong with an answer, each prefixed with the stack's name.
        differences: the parts that differ, and what each stack sent there.
    """

    cause: Cause
    answers: Mapping[str, Received]
    shown: Mapping[str, Shown]
    wrong: list[str]
    differences: Mapping[str, Mapping[str, str]]

    @property
    def good(self) -> bool:
        """Whether nothing is wrong and nothing differs."""
        return not self.wrong and not self.differences


def judge(cause: Cause, answers: Mapping[str, Received]) -> Verdict:
    """Judge the answers to one cause.

    Arguments:
        cause: the request, and the expected answer.
        answers: the answer of each stack, by the stack's name.

    """
    read = {stack: _Answer(cause, answer) for stack, answer in answers.items()}
    parts = {stack: answer.parts() for stack, answer in read.items()}
    said = {
        part: {stack: parts[stack].get(part, "(absent)") for stack in parts}
        for part in dict.fromkeys(part for found in parts.values() for part in found)
    }
    return Verdict(
        cause,
        answers,
        {stack: answer.shown() for stack, answer in read.items()},
        [f"{stack}: {fault}" for stack, answer in read.items() for fault in answer.faults()],
        {part: values for part, values in said.items() if len(set(values.values())) > 1},
    )


def repeated_ids(verdicts: Iterable[Verdict]) -> list[str]:
    """Return the ids that more than one answer has."""
    seen: dict[str, int] = {}
    for verdict in verdicts:
        for shown in verdict.shown.values():
            seen[shown.id] = seen.get(shown.id, 0) + 1
    return [request_id for request_id, count in seen.items() if request_id and count > 1]


class _Answer:
    """One answer, parsed according to its cause."""

    def __init__(self, cause: Cause, answer: Received) -> None:
        self._cause = cause
        self._answer = answer
        self._error: Mapping[str, object] = {}
        if cause.in_stream:
            last = last_line if self._is_lines() else last_event
            self._error = _error(last(answer.body))
        elif cause.expected.type is not None:
            self._error = _error(answer.body)
        self._id = (answer.values(_ID_HEADER) or [""])[0]

    def shown(self) -> Shown:
        status = str(self._answer.status or "none")
        kind, code, param = (self._member(name) for name in ("type", "code", "param"))
        return Shown(status, kind, code, param, self._id)

    def parts(self) -> dict[str, str]:
        """Return the parts that must be the same on every stack, by their name in a report."""
        answer = self._answer
        masked = answer.body
        if self._id:
            masked = masked.replace(self._id.encode("latin-1"), _MASK)
        parts = {
            "connection": "cut off" if answer.broken else "whole",
            "status": str(answer.status),
            "body": masked.decode("utf-8", "backslashreplace"),
        }
        # Without an error the framework chooses the framing, for example chunked.
        framed = answer.status >= 400
        for name in (*COMPARED_HEADERS, "Content-Length") if framed else COMPARED_HEADERS:
            values = answer.values(name)
            if values:
                parts[name] = ", ".join(values)
        return parts

    def faults(self) -> Iterator[str]:
        if self._answer.broken and not (self._cause.cut and self._answer.status):
            yield self._answer.broken
        if self._cause.cut and not self._answer.broken:
            yield "the answer ends as if it were whole"
        if self._answer.status:
            yield from self._unexpected()
            yield from self._violations()
            yield from self._leaks()

    def _unexpected(self) -> Iterator[str]:
        answer, expected = self._answer, self._cause.expected
        if answer.status != expected.status:
            yield f"the status is {answer.status}, not {expected.status}"
        if _ID.fullmatch(self._id) is None:
            yield f"the id is {self._id!r}, not one of ours"
        for name in expected.headers:
            if not answer.values(name):
                yield f"the header {name} is absent"
        said, retry = answer.values("X-Should-Retry"), str(expected.retry).lower()
        if expected.retry is not None and said != [retry]:
            yield f"X-Should-Retry is {', '.join(said) or 'absent'}, not {retry}"
        for name, wanted in (
            ("type", expected.type),
            ("code", expected.code),
            ("param", expected.param),
        ):
            if self._error.get(name) != wanted:
                yield f"the {name} is {self._error.get(name)!r}, not {wanted!r}"

    def _violations(self) -> Iterator[str]:
        answer, method = self._answer, self._cause.request.method
        found = check_answer(answer.status, answer.headers, answer.body, method=method)
        if self._cause.in_stream:
            check = check_json_lines if self._is_lines() else check_event_stream
            found += check(answer.body, request_id=self._id)
        for rule, section, message in found:
            yield f"against section {section} of the contract, {rule}: {message}"

    def _leaks(self) -> Iterator[str]:
        whole = repr((self._answer.headers, self._answer.body))
        for secret in self._cause.never:
            if secret in whole:
                yield f"the answer holds {secret!r}"

    def _is_lines(self) -> bool:
        return any(value.startswith(_LINES) for value in self._answer.values("Content-Type"))

    def _member(self, name: str) -> str:
        value = self._error.get(name)
        return value if isinstance(value, str) else ""


def _error(envelope: bytes) -> Mapping[str, object]:
    """Return the members of the error; none if it is not an envelope."""
    try:
        found: object = json.loads(envelope)
    except ValueError:
        return {}
    if not isinstance(found, dict):
        return {}
    error = cast("dict[str, object]", found).get("error")
    return cast("dict[str, object]", error) if isinstance(error, dict) else {}
