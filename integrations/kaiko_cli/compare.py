"""Judging the answers to one cause: is each of them right, and are they all the same?

Right means: what the cause expects, what the contract's own check finds no fault with, and
nothing that must not leak. The same means: status, body and the headers of section 4 of
the contract, byte for byte, once the request's id is masked.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, cast

from kaiko_cli.wire import last_event
from kaiko_middleware.conformance import check_answer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from kaiko_cli.wire import Received
    from kaiko_demo import Cause

__all__ = ["Shown", "Verdict", "judge", "repeated_ids"]

_MASK = b"req-**********"
_ID = re.compile(r"req-[0-9a-f]{10}", re.ASCII)
_ID_HEADER = "X-Request-ID"

# Section 4. Beside these, a server and a framework add what they like.
_COMPARED = (
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
    "Allow",
    "ETag",
)


class Shown(NamedTuple):
    """What a stack answered, in the words of the table."""

    status: str
    type: str
    code: str
    param: str
    id: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be said about one cause.

    Arguments:
        cause: the cause.
        answers: the answer of each stack, by the stack's name.
        shown: the same, in the words of the table.
        wrong: what is wrong with an answer, each with the stack's name before it.
        differences: in what the answers differ, and what each stack sent there.
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
        cause: what was sent, and what is expected.
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
    """Return the ids that more than one answer had."""
    seen: dict[str, int] = {}
    for verdict in verdicts:
        for shown in verdict.shown.values():
            seen[shown.id] = seen.get(shown.id, 0) + 1
    return [request_id for request_id, count in seen.items() if request_id and count > 1]


class _Answer:
    """One answer, read as its cause says that it can be read."""

    def __init__(self, cause: Cause, answer: Received) -> None:
        self._cause = cause
        self._answer = answer
        self._event = None if cause.in_stream is None else last_event(answer.body)
        self._envelope = b""
        if self._event is not None:
            self._envelope = self._event[1]
        elif cause.expected.type is not None:
            self._envelope = answer.body
        self._error = _error(self._envelope)
        self._id = (answer.values(_ID_HEADER) or [""])[0]

    def shown(self) -> Shown:
        status = str(self._answer.status or "none")
        kind, code, param = (self._member(name) for name in ("type", "code", "param"))
        return Shown(status, kind, code, param, self._id)

    def parts(self) -> dict[str, str]:
        """Return what has to be the same on every stack, by the name it has in a report."""
        answer = self._answer
        masked = answer.body
        if self._id:
            masked = masked.replace(self._id.encode("latin-1"), _MASK)
        parts = {
            "connection": "cut off" if answer.broken else "whole",
            "status": str(answer.status),
            "body": masked.decode("utf-8", "backslashreplace"),
        }
        # Without an error the framework frames its body as it likes: chunked, say.
        framed = answer.status >= 400
        for name in (*_COMPARED, "Content-Length") if framed else _COMPARED:
            values = answer.values(name)
            if values:
                parts[name] = ", ".join(values)
        return parts

    def faults(self) -> Iterator[str]:
        answer, expected = self._answer, self._cause.expected
        if answer.broken:
            yield answer.broken
        if not answer.status:
            return
        if answer.status != expected.status:
            yield f"the status is {answer.status}, not {expected.status}"
        if len(answer.values(_ID_HEADER)) != 1 or _ID.fullmatch(self._id) is None:
            yield f"{_ID_HEADER} is not one id: {answer.values(_ID_HEADER)}"
        for name in expected.headers:
            if not answer.values(name):
                yield f"the header {name} is absent"
        if expected.type is not None:
            yield from self._faults_of_error()
        whole = answer.body + repr(answer.headers).encode()
        for secret in self._cause.never:
            if secret.encode() in whole:
                yield f"the answer holds {secret!r}"

    def _faults_of_error(self) -> Iterator[str]:
        expected = self._cause.expected
        status, headers = self._answer.status, self._answer.headers
        if self._cause.in_stream is not None:
            if self._event is None or self._event[0] != "error":
                yield "the stream's last event is no 'error'"
                return
            # The frame has no status and no headers: those of the answer it would have been.
            status = self._cause.in_stream
            headers = _headers_of_frame(self._id, self._envelope, retry=status in {429, 500, 503})
        for name, wanted in (
            ("type", expected.type),
            ("code", expected.code),
            ("param", expected.param),
        ):
            if self._error.get(name) != wanted:
                yield f"the {name} is {self._error.get(name)!r}, not {wanted!r}"
        for violation in check_answer(status, headers, self._envelope):
            yield f"check_answer: {violation}"

    def _member(self, name: str) -> str:
        value = self._error.get(name)
        return value if isinstance(value, str) else ""


def _headers_of_frame(request_id: str, body: bytes, *, retry: bool) -> tuple[tuple[str, str], ...]:
    return (
        ("Content-Type", "application/json"),
        ("Content-Length", str(len(body))),
        (_ID_HEADER, request_id),
        ("X-Should-Retry", "true" if retry else "false"),
        ("Cache-Control", "no-store"),
    )


def _error(envelope: bytes) -> Mapping[str, object]:
    """Return the members of the error, none where it is no envelope at all."""
    try:
        found: object = json.loads(envelope)
    except ValueError:
        return {}
    if not isinstance(found, dict):
        return {}
    error = cast("dict[str, object]", found).get("error")
    return cast("dict[str, object]", error) if isinstance(error, dict) else {}
