"""Server-sent events, whole or in pieces, and lines of JSON.

The rules are those of the HTML standard: a line ends in LF, CR or CRLF, several `data` lines are
one value, comments are ignored. But an event also counts if the stream ends before its blank line,
or if it has a name and no data. Lines that are no event's are kept: providers write an error
between events as bare JSON, and what is called a stream may be none.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from ._body import is_costly, parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_LINE = re.compile(r"\r\n|\n|\r")
# A blank line: two line ends; CR LF is one line end.
_BLANK = re.compile(rb"(?:\r\n|\n|\r(?!\n))(?:\r\n|\n|\r)")
_LINE_END = re.compile(rb"\r\n|\n|\r")
_TEXT = re.compile(rb"[^\r\n]")
_TYPE = re.compile(r'\{\s*"type"\s*:\s*"([a-z_.-]+)"')
_LOOKS_LIKE_EVENTS = re.compile(r"[\r\n]*+(?:(?:data|event|id|retry)[:\r\n]|:)")
_JSON_STARTS = (b"{", b"[")
_FIELD_STARTS = (b":", b"d", b"e", b"i", b"r")
_BOM = b"\xef\xbb\xbf"
_HELD = 3  # bytes that may be the start of a blank line
_START = 1024  # bytes that are kept of an event over the limit

_OTHER_FIELDS = frozenset({"", "id", "retry"})
_LINES = 1024  # lines of one event that are read
_EDGE = 16
_FAILING = 48
_FIRST, _LAST = 256, 1024
_MAY_FAIL = re.compile(r"error|fail|StatusCode|\\u")


def looks_like_events(text: str) -> bool:
    """Whether `text` starts like an event stream; JSON and markup never do."""
    return _LOOKS_LIKE_EVENTS.match(text) is not None


class Event(NamedTuple):
    """One event: its name, its data (which stays text if it is not JSON), and its text.

    `stray` are the lines that no event has. Of an event that is not `whole`, `text` is the start.
    """

    name: str
    data: object
    text: str
    stray: str = ""
    whole: bool = True


def event_of(block: str, *, whole: bool = True) -> Event:
    """Return the event that a block of lines is."""
    name, data, stray = "", list[str](), list[str]()
    for line in _LINE.split(block, _LINES)[:_LINES]:
        field, _, value = line.partition(":")
        if field == "event":
            name = value.removeprefix(" ")
        elif field == "data":
            data.append(value.removeprefix(" "))
        elif field not in _OTHER_FIELDS:
            stray.append(line)
    rest = "\n".join(stray)
    if not data:
        return Event(name, None, block, rest, whole)
    text = "\n".join(data)
    value, is_json = parse(text)
    if not whole and not name:
        # Its data is cut and not JSON, but its type is at the start.
        match = _TYPE.match(text)
        name = match[1] if match else name
    return Event(name, value if is_json else text, block, rest, whole)


def telling_events(text: str) -> Iterator[Event]:
    """Yield the events of a body that can show how it ended; see `_telling`."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return (event_of(block) for block in _telling(text, "\n\n"))


def telling_lines(text: str) -> Iterator[tuple[object, bool]]:
    """Yield the lines that can show how a body ended, and whether they are JSON."""
    return (parse(line) for line in _telling(text, "\n") if line.strip())


def _telling(text: str, end: str) -> Iterable[str]:
    """Return the first and the last parts of a body, and those that may be an error.

    A body of 64 KiB can have 30,000 events, which would take ten milliseconds to parse. So only
    events with a word that every error has are parsed, up to a limit. If the whole body would take
    too long, each part that is larger than its share is left out.
    """
    parts = text.split(end, _FIRST)
    if len(parts) > _FIRST:
        parts[-1:] = parts[-1].rsplit(end, _LAST)[-_LAST:]
    middle = [part for part in parts[_EDGE:-_EDGE] if _MAY_FAIL.search(part)]
    if len(middle) > 2 * _FAILING:
        middle = middle[:_FAILING] + middle[-_FAILING:]
    told = (*parts[:_EDGE], *middle, *parts[_EDGE:][-_EDGE:])
    if not is_costly(text):
        return told
    return [part for part in told if not is_costly(part, len(told))]


class EventBuffer:
    """Cuts the bytes of an event stream into events, for chunks of any size.

    What begins like JSON is cut into lines, until a line begins like an event's again.

    Arguments:
        limit: the largest event in bytes that is kept; of a larger one only the start.

    """

    __slots__ = ("_at", "_buffer", "_end", "_limit", "_start", "_started")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._buffer = bytearray()
        self._at = 0  # where the next blank line may begin
        self._end = _BLANK
        self._started = False
        self._start: bytes | None = None  # of an event over the limit, while it arrives

    def feed(self, chunk: bytes) -> Iterator[Event]:
        """Add the next bytes; yield each event that they complete."""
        self._buffer += chunk
        if not self._started:
            if len(self._buffer) < len(_BOM) and _BOM.startswith(self._buffer):
                return
            self._started = True
            if self._buffer.startswith(_BOM):
                del self._buffer[: len(_BOM)]
        while True:
            if self._start is None:
                self._begin()
            # A CR at the end may be half of a CR LF.
            end = len(self._buffer) - self._buffer.endswith(b"\r")
            match = self._end.search(self._buffer, self._at, end)
            if match is None:
                break
            yield self._cut(match.end())
        self._at = max(0, end - _HELD)
        if self._start is None and len(self._buffer) > self._limit:
            self._start = bytes(self._buffer[:_START])
        if self._start is not None:
            del self._buffer[: self._at]
            self._at = 0

    def _begin(self) -> None:
        """Go to the start of the next event: blank lines before an event are no events."""
        text = _TEXT.search(self._buffer)
        del self._buffer[: len(self._buffer) if text is None else text.start()]
        if self._buffer.startswith(_JSON_STARTS):
            self._end = _LINE_END
        elif self._buffer.startswith(_FIELD_STARTS):
            self._end = _BLANK

    def close(self) -> Iterator[Event]:
        """Yield the rest, as if a blank line followed."""
        if self._buffer:
            yield self._cut(len(self._buffer))

    def _cut(self, end: int) -> Event:
        start = self._start
        if start is None and end > self._limit:
            start = bytes(self._buffer[:_START])
        block = bytes(self._buffer[:end]) if start is None else start
        del self._buffer[:end]
        self._at = 0
        self._start = None
        return event_of(block.decode("utf-8", "replace"), whole=start is None)
