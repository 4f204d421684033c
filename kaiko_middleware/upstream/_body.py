"""Reading an upstream's body: hostile input that must neither raise nor slow anything down.

It is parsed whatever its Content-Type, up to 64 KiB after decoding. A body that is not JSON is not
an error here.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, NamedTuple

from kaiko_middleware._text import log_safe
from kaiko_middleware.content_coding import BODY_LIMIT, decode_start

if TYPE_CHECKING:
    from collections.abc import Mapping

_BINARY_STREAM = "application/vnd.amazon.eventstream"
_ASCII_STARTS = frozenset({b"{", b"[", b"<"})
_STARTS = frozenset({"{", "["})
_EXCERPT = 200
_SHOWN = 1024
# A Python object or list can cost a hundred times its two bytes of JSON, and a value takes a
# hundred times as long as a byte.
_CONTAINERS = 2048
_VALUES = 4096
# The time to make an integer grows with the square of its digits.
_DIGITS = bytes(0x30 if 0x30 <= byte <= 0x39 else 0x20 for byte in range(256))
_ENDLESS = b"0" * 512
_DIGIT = re.compile("[0-9]")
# A value in the query of a URL, which Google's page for a wrong path quotes with the key in it.
_QUERY = re.compile(r"""([?&](?:amp;)?[\w.\[\]-]{1,64}=)[^\s&"'<>\\)]+""")
# Shared: json.loads would make one each time, which takes as long as an event.
_DECODER = json.JSONDecoder(parse_float=str)


class Body(NamedTuple):
    """A body, as far as it can be read.

    `data` is the parsed JSON (None if it is not JSON, or `null`), `text` the decoded text, and
    `partial` says that only a part was read.
    """

    data: object
    text: str
    is_json: bool
    partial: bool = False


NO_BODY = Body(None, "", is_json=False)


def read(raw: bytes | str | None, headers: Mapping[str, str]) -> Body:
    """Return `raw`, bytes or text, as a body; never raises."""
    if isinstance(raw, str):
        raw = raw[: BODY_LIMIT + 1].encode("utf-8", "surrogatepass")
    if not raw:
        return NO_BODY
    decoded = _undo(raw, headers.get("content-encoding", ""))
    text = _text(decoded, headers.get("content-type", ""))
    if len(decoded) > BODY_LIMIT or is_costly(text):
        return Body(None, text, is_json=False, partial=True)
    data, is_json = parse(text)
    return Body(data, text, is_json)


def is_binary_stream(content_type: str) -> bool:
    """Whether a body consists of AWS's binary events; its text is then one character a byte."""
    return content_type.lower().startswith(_BINARY_STREAM)


def is_costly(text: str, among: int = 1) -> bool:
    """Whether parsing `text` would take more than its share of the limit for `among` texts."""
    return len(text) > _CONTAINERS // among and (
        text.count("[") + text.count("{") > _CONTAINERS // among
        or text.count(",") > _VALUES // among
    )


def _undo(raw: bytes, encoding: str) -> bytes:
    """Return the decoded body, up to a byte over the limit."""
    decoded = decode_start(raw[: 2 * BODY_LIMIT], encoding) if encoding else None
    # Clients usually decode the body and keep the header: then it is used as it is.
    return raw[: BODY_LIMIT + 1] if decoded is None else decoded[: BODY_LIMIT + 1]


def _text(raw: bytes, content_type: str) -> str:
    if raw[:1] in _ASCII_STARTS and raw[1:2] != b"\0":
        return raw[:BODY_LIMIT].decode("utf-8", "replace")
    if is_binary_stream(content_type):
        return raw[:BODY_LIMIT].decode("latin-1")
    # By byte order mark and zero bytes, by JSON's own rule; the charset is ignored.
    return raw[:BODY_LIMIT].decode(json.detect_encoding(raw[:4]), "replace")


def parse(text: str) -> tuple[object, bool]:
    """Return the JSON value of `text`, and whether it is JSON.

    A number with a fraction or an exponent stays text: 64 KiB of floats would take 15 ms, and
    nothing reads them. A text with 512 digits in a row counts as no JSON; Python's own limit is
    4,300.
    """
    if text[:1] == "<" or _is_endless(text):  # markup, for which an error would be slow to make
        return None, False
    try:
        if text[:1] not in _STARTS:
            return _DECODER.decode(text), True
        data, end = _DECODER.raw_decode(text)  # without the search for white space around it
    except (ValueError, RecursionError):
        return None, False
    return (data, True) if not text[end:].strip(" \t\r\n") else (None, False)


def parse_start(text: str) -> object:
    """Return the JSON value at the start of a text that someone quotes; None if there is none."""
    if is_costly(text) or _is_endless(text):
        return None
    try:
        return _DECODER.raw_decode(text)[0]
    except (ValueError, RecursionError):
        return None


def _is_endless(text: str) -> bool:
    """Whether there are 512 digits in a row."""
    every = len(_ENDLESS)
    # Then at least one of the 512th, 1,024th, … characters is a digit, which is quick to check.
    if len(text) < every or _DIGIT.search(text[every - 1 :: every]) is None:
        return False
    return _ENDLESS in text.encode("ascii", "replace").translate(_DIGITS)


def excerpt(body: Body) -> str:
    """Return the start of the body for the log: redacted, on one line, cut."""
    return log_safe(_QUERY.sub(r"\1***", body.text[:_SHOWN]), _EXCERPT)
