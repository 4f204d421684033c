"""Whose fault an upstream's answer is.

An upstream's 4xx describes our request, made with our credential: it is not the caller's
fault. Implements the default table of section 10 of the V2 contract, and what counts as
an error inside a success.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._body import events, holders, json_lines, tokens
from ._tokens import (
    ACCOUNT,
    ACCOUNT_4XX,
    BROKEN_5XX,
    INSIDE_SUCCESS,
    MEMBERS,
    UNAVAILABLE_4XX,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ._body import Body
    from ._tokens import Category

_NUMBERS = ("code", "status", "status_code", "statusCode", "StatusCode")
_TERMINATORS = frozenset({"message_stop", "response.completed", "response.incomplete"})
_STREAM_OBJECTS = frozenset({"chat.completion.chunk", "text_completion"})
_STREAM_TYPES = ("message_", "content_block_", "response.")


def by_status(status: int, data: object) -> Category | None:
    """Return the category of an answer by its status; None where it is no error.

    Arguments:
        status: the answer's.
        data: its parsed body, whose exact tokens tell a hard quota from a passing limit.

    """
    if status < 300 or status == 304:
        return None if status >= 100 else "broken"
    if status < 400:
        return "broken"
    if status < 500:
        if status in ACCOUNT_4XX:
            return "account"
        if status in {400, 429} and any(token in ACCOUNT for token in tokens(data, MEMBERS)):
            return "account"
        if status == 429:
            return "throttled"
        return "unavailable" if status in UNAVAILABLE_4XX else "rejected"
    return "broken" if status in BROKEN_5XX or status > 599 else "unavailable"


def inside_success(body: Body, *, is_event_stream: bool) -> tuple[Category, object] | None:
    """Return the category of the error that a 2xx holds, and the object it is in; else None.

    A body that should be JSON and is none is broken.
    """
    if is_event_stream or body.text.startswith(("data:", "event:", ": ")):
        return _inside_stream(events(body.text))
    if body.is_json:
        category = error_inside(body.data)
        return None if category is None else (category, body.data)
    if not body.readable:
        return None  # too large to look into: a success as far as anybody knows
    lines = json_lines(body.text)
    if lines is not None:
        return _inside_stream(("", line) for line in lines)
    return "broken", None


def _inside_stream(items: Iterator[tuple[str, object]]) -> tuple[Category, object] | None:
    needs_end = ended = False
    for name, data in items:
        category = error_in_event(name, data)
        if category is not None:
            return category, data
        needs_end = needs_end or is_llm_chunk(data)
        ended = ended or ends_stream(data)
    if needs_end and not ended:
        return "unavailable", None
    return None


def error_in_event(name: str, data: object) -> Category | None:
    """Return the category of the error that one event of a stream is, or None."""
    if name == "error" or (isinstance(data, dict) and data.get("type") == "error"):
        return _by_content(data)
    if isinstance(data, dict) and data.get("type") == "response.failed":
        response: object = data.get("response")
        return _by_content(response if isinstance(response, dict) else data)
    return error_inside(data)


def error_inside(data: object) -> Category | None:
    """Return the category of the error that a success's JSON is, or None."""
    if isinstance(data, list) and len(data) == 1:
        data = data[0]
    if not isinstance(data, dict):
        return None
    error: object = data.get("error")
    errors: object = data.get("errors")
    embedded: object = data.get("StatusCode")
    if (
        (isinstance(error, dict) and error)
        or data.get("object") == "error"
        or (isinstance(errors, list) and errors and data.get("data") is None)
        or (isinstance(embedded, int) and 401 <= embedded <= 403)
    ):
        return _by_content(data)
    return None


def _by_content(data: object) -> Category:
    """Return the category by the embedded number, else by the token, else broken."""
    if not isinstance(data, dict):
        return "broken"
    for holder in holders(data):
        for name in _NUMBERS:
            number: object = holder.get(name)
            if isinstance(number, str) and len(number) == 3 and number.isdecimal():
                number = int(number)
            if isinstance(number, int) and 400 <= number <= 599:
                return by_status(number, data) or "broken"
    found: Category | None = None
    for token in tokens(data, MEMBERS):
        category = INSIDE_SUCCESS.get(token)
        if category == "account":
            return category
        found = found or category
    return found or "broken"


def is_llm_chunk(data: object) -> bool:
    """Whether an event is part of an LLM's answer, which ends with a terminator."""
    if not isinstance(data, dict):
        return False
    kind: object = data.get("type")
    chunk: object = data.get("object")
    return (isinstance(chunk, str) and chunk in _STREAM_OBJECTS) or (
        isinstance(kind, str) and kind.startswith(_STREAM_TYPES)
    )


def ends_stream(data: object) -> bool:
    """Whether an event is an LLM stream's terminator."""
    if data == "[DONE]":
        return True
    if not isinstance(data, dict):
        return False
    kind: object = data.get("type")
    if isinstance(kind, str) and kind in _TERMINATORS:
        return True
    choices: object = data.get("choices")
    return isinstance(choices, list) and any(
        isinstance(choice, dict) and choice.get("finish_reason") for choice in choices
    )
