"""Whose fault an upstream's answer is.

An upstream's 4xx is about our request, made with our credential: it is not the caller's fault.
Implements the default table of section 10 of the V2 contract, and its rules for errors inside a
success.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ._events import looks_like_events, telling_events, telling_lines
from ._llm import ends_stream, is_chunk
from ._members import holders, items, members, only, texts, whole_number
from ._tokens import (
    ACCOUNT,
    ACCOUNT_4XX,
    BROKEN_5XX,
    INSIDE_SUCCESS,
    MEMBERS,
    UNAVAILABLE_4XX,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kaiko_middleware.errors import Category

    from ._body import Body

_LINES = re.compile("ndjson|jsonl")
_NUMBERS = ("code", "status", "status_code", "statusCode", "StatusCode", "error_code")


def by_status(status: int, data: object) -> Category | None:
    """Return the category of an answer by its status; None if it is not an error.

    Arguments:
        status: the answer's status.
        data: its parsed body, whose exact tokens distinguish a hard quota from a rate limit.

    """
    if status < 300 or status == 304:
        return None if status >= 100 else "broken"
    if status < 400:
        return "broken"
    if status < 500:
        if status in ACCOUNT_4XX:
            return "account"
        if status in {400, 429} and not ACCOUNT.isdisjoint(texts(data, MEMBERS)):
            return "account"
        if status == 429:
            return "throttled"
        return "unavailable" if status in UNAVAILABLE_4XX else "rejected"
    return "broken" if status in BROKEN_5XX or status > 599 else "unavailable"


def inside_success(body: Body, content_type: str) -> tuple[Category, object] | None:
    """Return the category of the error inside a 2xx, and the part that says so; else None.

    A body that is neither JSON, nor lines of JSON, nor events is broken.

    Arguments:
        body: the answer's body.
        content_type: the answer's content type; it only matters for streams.

    """
    kind = content_type.lower()
    if body.is_json:
        category = error_inside(body.data)
        if category is None and _LINES.search(kind) and is_chunk("", body.data):
            # A stream with a single line.
            category = None if ends_stream("", body.data) else "unavailable"
        return None if category is None else (category, body.data)
    if "text/event-stream" in kind or looks_like_events(body.text):
        return _inside_stream(telling_events(body.text), partial=body.partial)
    if body.partial:
        # Too large to check: counts as a success unless it is markup.
        return ("broken", None) if body.text.lstrip()[:1] == "<" else None
    lines = list(telling_lines(body.text))
    if not lines or not all(is_json for _, is_json in lines):
        return "broken", None
    return _inside_stream((("", data) for data, _ in lines), partial=False)


def _inside_stream(
    events: Iterable[tuple[str, object]], *, partial: bool
) -> tuple[Category, object] | None:
    needs_end = ended = some = partial
    for name, data in events:
        category = error_in_event(name, data)
        if category is not None:
            return category, data
        some = some or data is not None
        needs_end = needs_end or is_chunk(name, data)
        ended = ended or ends_stream(name, data)
    if not some:
        return "broken", None
    return ("unavailable", None) if needs_end and not ended else None


def error_in_event(name: str, data: object) -> Category | None:
    """Return the category if an event of a stream is an error, or None."""
    said = members(data)
    names = name, said.get("type")
    if "error" in names:
        return _by_content(data)
    if "response.failed" in names:
        return _by_content(members(said.get("response")) or data)
    return error_inside(data)


def error_inside(data: object) -> Category | None:
    """Return the category if the JSON of a success is an error, or None."""
    said = members(only(data))
    errors, embedded = said.get("errors"), whole_number(said.get("StatusCode"))
    if (
        members(said.get("error"))
        or said.get("object") == "error"
        or ((items(errors) or members(errors)) and said.get("data") is None)
        or (embedded is not None and 401 <= embedded <= 403)
    ):
        return _by_content(said)
    return None


def _by_content(data: object) -> Category:
    """Return the category by the embedded status, else by a token, else `broken`."""
    for holder in holders(data):
        for name in _NUMBERS:
            number = whole_number(holder.get(name))
            if number is not None and 400 <= number <= 599:
                return by_status(number, data) or "broken"
    found = set(texts(data, MEMBERS))
    for category, words in INSIDE_SUCCESS:
        if found & words:
            return category
    return "broken"
