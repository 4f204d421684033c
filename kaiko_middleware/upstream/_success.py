"""What a success's body is: JSON, lines of JSON, events, or none of these."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ._binary_events import BinaryBuffer
from ._body import is_binary_stream
from ._classify import Found, error_inside
from ._events import Event, looks_like_events, telling_events, telling_lines
from ._llm import ends_stream, is_chunk
from ._progress import Progress

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ._body import Body

_LINES = re.compile("ndjson|jsonl")


def inside_success(body: Body, content_type: str, *, llm: bool) -> Found | None:
    """Return the error inside a 2xx; else None.

    A body that is neither JSON, nor lines of JSON, nor events is broken.

    Arguments:
        body: the answer's body.
        content_type: the answer's content type; it only matters for streams.
        llm: whether it is an LLM provider's.

    """
    if is_binary_stream(content_type):
        buffer = BinaryBuffer(len(body.text))
        raw = body.text.encode("latin-1", "replace")
        events = [*buffer.feed(raw), *(() if body.partial else buffer.close())]
        return _inside_stream(events, llm=llm, partial=body.partial)
    kind = content_type.lower()
    if body.is_json:
        found = error_inside(body.data, llm=llm)
        if found is None and _LINES.search(kind) and is_chunk("", body.data):
            # A stream with a single line.
            return None if ends_stream("", body.data) else Found("unavailable", body.data)
        return found
    if "text/event-stream" in kind or looks_like_events(body.text):
        return _inside_stream(telling_events(body.text), llm=llm, partial=body.partial)
    if body.partial:
        # Too large to check: counts as a success unless it is markup.
        return Found("broken", None) if body.text.lstrip()[:1] == "<" else None
    lines = list(telling_lines(body.text))
    if not lines or not all(is_json for _, is_json in lines):
        return Found("broken", None)
    return _inside_stream((Event("", data, "") for data, _ in lines), llm=llm, partial=False)


def _inside_stream(events: Iterable[Event], *, llm: bool, partial: bool) -> Found | None:
    progress = Progress(llm=llm, partial=partial)
    for event in events:
        found = progress.take(event)
        if found is not None:
            return found
    return progress.end()
