"""Reading an upstream's body: hostile input that must neither raise nor slow anything down.

It is parsed whatever its Content-Type says, looked at up to 64 KiB after decoding, and
anything that is no JSON is simply no JSON.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, NamedTuple

from kaiko_middleware._text import log_safe
from kaiko_middleware.content_coding import BODY_LIMIT, decode_start

if TYPE_CHECKING:
    from collections.abc import Mapping

_EXCERPT = 200
_SHOWN = 1024
# An object or a list of Python's costs a hundred times the two bytes that it may be in JSON,
# and a value's time is a hundred times that of a byte.
_CONTAINERS = 2048
_VALUES = 4096
# Making an integer takes the square of its digits.
_DIGITS = bytes(0x30 if 0x30 <= byte <= 0x39 else 0x20 for byte in range(256))
_ENDLESS = b"0" * 512
_DIGIT = re.compile("[0-9]")
# One for all: json.loads makes another one each time, which takes as long as an event does.
_DECODER = json.JSONDecoder(parse_float=str)


class Body(NamedTuple):
    """A body as far as it can be read.

    `data` is the parsed JSON (None where it is none, or `null`), `text` the decoded text,
    and `partial` says that there is more than is looked at.
    """

    data: object
    text: str
    is_json: bool
    partial: bool = False


NO_BODY = Body(None, "", is_json=False)


def read(raw: bytes | str | None, headers: Mapping[str, str]) -> Body:
    """Return what `raw` says, bytes or text; never raises."""
    if isinstance(raw, str):
        raw = raw[: BODY_LIMIT + 1].encode("utf-8", "surrogatepass")
    if not raw:
        return NO_BODY
    decoded = _undo(raw, headers.get("content-encoding", ""))
    text = _text(decoded)
    if len(decoded) > BODY_LIMIT or is_costly(text):
        return Body(None, text, is_json=False, partial=True)
    data, is_json = parse(text)
    return Body(data, text, is_json)


def is_costly(text: str, among: int = 1) -> bool:
    """Whether to parse `text` would take longer than one of `among` such texts may."""
    return len(text) > _CONTAINERS // among and (
        text.count("[") + text.count("{") > _CONTAINERS // among
        or text.count(",") > _VALUES // among
    )


def _undo(raw: bytes, encoding: str) -> bytes:
    """Return the body without its encoding, up to a byte over the limit."""
    decoded = decode_start(raw[: 2 * BODY_LIMIT], encoding) if encoding else None
    # Clients usually undo the encoding and leave the header: it is as it stands then.
    return raw[: BODY_LIMIT + 1] if decoded is None else decoded[: BODY_LIMIT + 1]


def _text(raw: bytes) -> str:
    # By byte order mark and zero bytes, as JSON's own rule has it; no charset is believed.
    return raw[:BODY_LIMIT].decode(json.detect_encoding(raw[:4]), "replace")


def parse(text: str) -> tuple[object, bool]:
    """Return the JSON value that `text` is, and whether it is one.

    A number with a fraction or an exponent stays as it is written: making 64 KiB of them
    floats takes 15 ms, and what nobody reads need not be made. A text with 512
    digits in a row is no JSON, as for Python one of more than 4,300 is none.
    """
    if _is_endless(text):
        return None, False
    try:
        return _DECODER.decode(text), True
    except (ValueError, RecursionError):
        return None, False


def _is_endless(text: str) -> bool:
    """Whether there are 512 digits in a row."""
    every = len(_ENDLESS)
    # One of them is then the 512th character, the 1,024th or so, which is soon looked at.
    if len(text) < every or _DIGIT.search(text[every - 1 :: every]) is None:
        return False
    return _ENDLESS in text.encode("ascii", "replace").translate(_DIGITS)


def excerpt(body: Body) -> str:
    """Return the start of the body for the log: redacted, on one line, cut."""
    return log_safe(body.text[:_SHOWN], _EXCERPT)
