"""AWS's binary event streams (`application/vnd.amazon.eventstream`), as Bedrock sends them.

A message is its length, the length of its headers, a checksum of both, the headers, a payload of
JSON, and a checksum of all. A header says whether it is an event or an exception, and which.
"""

from __future__ import annotations

from base64 import b64decode
from typing import TYPE_CHECKING
from zlib import crc32

from kaiko_middleware.json_values import members

from ._body import parse
from ._events import Event
from ._members import word

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["BinaryBuffer", "starts_binary"]

_PRELUDE = 12
_SMALLEST = 16  # a message without headers and payload
_TEXT_HEADER = 7
_SIZES = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
"""Bytes of a header's value by its type; text and bytes say their length."""


def starts_binary(start: bytes) -> bool:
    """Whether a stream that starts like this is binary: its length is below 16 MiB."""
    return start[:1] == b"\0"


class BinaryBuffer:
    """Cuts the bytes of a binary event stream into events, for chunks of any size.

    Arguments:
        limit: the largest message in bytes that is read; a larger one is skipped.

    """

    __slots__ = ("_broken", "_buffer", "_limit", "_skip")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._buffer = bytearray()
        self._skip = 0  # bytes that are left of a message over the limit
        self._broken = False

    def feed(self, chunk: bytes) -> Iterator[Event]:
        """Add the next bytes; yield each event that they complete."""
        if self._broken:
            return
        self._buffer += chunk
        while True:
            skipped = min(self._skip, len(self._buffer))
            del self._buffer[:skipped]
            self._skip -= skipped
            if len(self._buffer) < _PRELUDE:
                return
            total, headers = _prelude(self._buffer)
            if headers > total - _SMALLEST:
                self._broken = True
                self._buffer.clear()
                return
            if total > self._limit:
                self._skip = total
                yield Event("", "", "", whole=False)
                continue
            if len(self._buffer) < total:
                return
            message = bytes(self._buffer[:total])
            del self._buffer[:total]
            yield _event(message, headers)

    def close(self) -> Iterator[Event]:
        """Yield an error if the stream ends within a message."""
        if self._broken or self._buffer or self._skip:
            cut = {"type": "error", "error": {"type": "modelStreamErrorException"}}
            yield Event("error", cut, "the stream ended within a message")


def _prelude(buffer: bytearray) -> tuple[int, int]:
    """Return the lengths of a message and of its headers; lengths that cannot be are 0 and 1."""
    if crc32(buffer[:8]) != int.from_bytes(buffer[8:_PRELUDE]):
        return 0, 1
    return int.from_bytes(buffer[:4]), int.from_bytes(buffer[4:8])


def _event(message: bytes, length: int) -> Event:
    headers = _headers(message[_PRELUDE : _PRELUDE + length])
    text = message[_PRELUDE + length : -4].decode("utf-8", "replace")
    data = parse(text)[0]
    kind = headers.get(":message-type", "event")
    if kind == "event":
        name = headers.get(":event-type", "")
        # InvokeModel's chunks are the provider's own events.
        inner = members(data).get("bytes")
        return _chunk(inner, text) if name == "chunk" else Event(name, data or text, text)
    type_ = headers.get(":exception-type") or headers.get(":error-code", "")
    said = {"message": headers.get(":error-message", ""), **members(data), "type": type_}
    return Event("error", {"type": "error", "error": said}, f"{type_}: {text}")


def _chunk(encoded: object, text: str) -> Event:
    try:
        inner = b64decode(word(encoded)).decode()
    except ValueError:
        return Event("", text, text)
    data, is_json = parse(inner)
    return Event("", data if is_json else inner, inner)


def _headers(raw: bytes) -> dict[str, str]:
    """Return the headers whose values are text, as far as they can be read."""
    found: dict[str, str] = {}
    at = 0
    while at < len(raw):
        name_end = at + 1 + raw[at]
        name = raw[at + 1 : name_end].decode("utf-8", "replace")
        kind = raw[name_end] if name_end < len(raw) else -1
        at = name_end + 1
        size = _SIZES.get(kind)
        if size is None:
            size = int.from_bytes(raw[at : at + 2])
            at += 2
        if kind == _TEXT_HEADER:
            found[name] = raw[at : at + size].decode("utf-8", "replace")
        at += size
    return found
