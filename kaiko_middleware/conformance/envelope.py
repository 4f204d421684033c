"""Checking the envelope itself: is it JSON for every parser, with exactly the five members?

This parser is strict where Python's is lenient (repeated members, NaN, lone surrogates, a byte
order mark), since other parsers may be strict. Implements the rules for bodies in sections 1, 2 and
6 of the V2 contract.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, NamedTuple, NoReturn, cast, get_args

from kaiko_middleware._text import CODE_PATTERN, MESSAGE_LIMIT, PARAM_LIMIT
from kaiko_middleware.catalog import STATUSES, ErrorType
from kaiko_middleware.settings_check import shown

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

MEMBERS = ["type", "code", "message", "param", "request_id"]
ID = re.compile(r"[A-Za-z0-9._:/+=-]{1,128}")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")
# A message never shows these to a client: places in the code, and what failed inside.
_TRACEBACK = re.compile(r'Traceback \(most recent|File "[^"]+", line \d+')
_INSIDE = re.compile(
    r"\b[A-Za-z_]*[a-z](?:Error|Exception|Warning)\b"  # a class's name
    r"|\b(?:KeyboardInterrupt|SystemExit|StopIteration|DoesNotExist)\b"
    r"|(?:/[\w.-]+)+\.py\b|\bline \d+, in \b"
    r"|\b(?:SELECT|INSERT INTO|UPDATE|DELETE FROM)\s+\S+.*\b(?:FROM|VALUES|SET|WHERE)\b"
)


class Violation(NamedTuple):
    """One rule that an answer breaks.

    `rule` is a short, stable name, `section` the contract's section, `message` what was found.
    """

    rule: str
    section: str
    message: str

    def __str__(self) -> str:
        return f"section {self.section}, {self.rule}: {self.message}"


class _Members(dict[str, object]):
    """A JSON object that remembers a repeated name."""

    repeated: str | None = None


def _members(pairs: list[tuple[str, object]]) -> _Members:
    found = _Members(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        found.repeated = next(name for name in names if names.count(name) > 1)
    return found


def _no_constant(name: str) -> NoReturn:
    msg = f"{name} is no JSON"
    raise ValueError(msg)


def octets(body: object) -> bytes:
    """Return a buffer as bytes. Raises TypeError for a number: `bytes(3)` would be three zeros."""
    if isinstance(body, bytes):
        return body
    return memoryview(cast("bytes", body)).tobytes()  # raises for what is no buffer


def parse_strictly(body: bytes) -> object:
    """Return the JSON value of `body`, or a Violation."""
    try:
        text = octets(body).decode("utf-8")
        value: object = json.loads(text, object_pairs_hook=_members, parse_constant=_no_constant)
    except (ValueError, RecursionError) as exc:
        reason = type(exc).__name__ if isinstance(exc, RecursionError) else str(exc)[:200]
        return Violation("json", "1", f"the body is no JSON that every reader takes: {reason!a}")
    return value


def check_envelope(value: object, status: int | None) -> Generator[Violation, None, str | None]:
    """Check a parsed body, and return its request id if it has one.

    Arguments:
        value: the result of `parse_strictly`.
        status: the answer's status, or None in a stream, where it does not matter.

    """
    error = value.get("error") if isinstance(value, _Members) else None
    if not isinstance(value, _Members) or list(value) != ["error"] or value.repeated:
        yield Violation("envelope", "1", "the body is not an object with the one member 'error'")
    elif not isinstance(error, _Members):
        yield Violation("envelope", "1", f"'error' is {shown(error)}, not an object")
    if not isinstance(error, _Members):
        return None
    if list(error) != MEMBERS or error.repeated:
        said = ", ".join(error)[:200]
        yield Violation("members", "1", f"the members are {said!a}, not {', '.join(MEMBERS)}")
    yield from _check_type(error, status)
    yield from _check_text(error, status)
    request_id = error.get("request_id")
    if not isinstance(request_id, str) or not ID.fullmatch(request_id):
        yield Violation("request-id", "5", f"request_id is {shown(request_id)}")
        return None
    return request_id


def _check_type(error: _Members, status: int | None) -> Iterator[Violation]:
    kind, code = error.get("type"), error.get("code")
    if kind not in get_args(ErrorType):
        yield Violation("type", "1", f"type is {shown(kind)}, none of the seven")
    elif status is not None and STATUSES[status].type != kind:
        wanted = STATUSES[status].type
        yield Violation("type-of-status", "2", f"type is {kind}, that of a {status} is {wanted}")
    if not isinstance(code, str) or not CODE_PATTERN.fullmatch(code):
        yield Violation("code", "1", f"code is {shown(code)}, not [a-z][a-z0-9_]{{0,63}}")


def _check_text(error: _Members, status: int | None) -> Iterator[Violation]:
    message, param = error.get("message"), error.get("param")
    if not isinstance(message, str) or not message.strip() or len(message) > MESSAGE_LIMIT:
        size = f" of {len(message)} characters" if isinstance(message, str) else ""
        yield Violation("message", "1", f"message is {shown(message)}{size}, not 1..1024 of text")
    elif _TRACEBACK.search(message):
        yield Violation("inside", "6", "message shows a traceback")
    elif (status is None or status >= 500) and _INSIDE.search(message):
        yield Violation("inside", "6", f"message shows what failed inside: {shown(message)}")
    if param is not None and not (isinstance(param, str) and 0 < len(param) <= PARAM_LIMIT):
        yield Violation("param", "6", f"param is {shown(param)}, not null or 1..256 of text")
    elif isinstance(param, str) and _CONTROL.search(param):
        yield Violation("param", "6", f"param has a control character: {shown(param)}")
    for name, text in error.items():
        if isinstance(text, str) and any("\ud800" <= char <= "\udfff" for char in text):
            yield Violation("json", "1", f"{name} has a lone surrogate: strict readers refuse it")
