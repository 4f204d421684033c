"""Reading an upstream's body: hostile input that must neither raise nor slow anything down.

It is parsed whatever its Content-Type says, looked at up to 64 KiB after decoding, and
anything that is no JSON is simply no JSON.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from kaiko_middleware._text import log_safe
from kaiko_middleware.normalize import BODY_LIMIT, decode_body

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_EXCERPT = 200
_BOMS = (
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe\x00\x00", "utf-32-le"),
    (b"\x00\x00\xfe\xff", "utf-32-be"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)


class Body(NamedTuple):
    """A body as far as it can be read.

    `data` is the parsed JSON (None where it is none, or `null`), `text` the decoded text
    (cut), `readable` whether it could be decoded and is not over the limit.
    """

    data: object
    text: str
    is_json: bool
    readable: bool

    @property
    def object(self) -> dict[object, object]:
        """The body's object: itself, or the only element of a list of one; else empty."""
        data = self.data
        if isinstance(data, list) and len(data) == 1:
            data = data[0]
        return data if isinstance(data, dict) else {}


def read(raw: bytes | str | None, headers: Mapping[str, str]) -> Body:
    """Return what `raw` says; never raises."""
    if not raw:
        return Body(None, "", is_json=False, readable=True)
    if isinstance(raw, str):
        raw = raw[: BODY_LIMIT + 1].encode("utf-8", "surrogatepass")
    encoding = headers.get("content-encoding", "")
    # Clients usually undo the encoding and leave the header: then it is as it says no more.
    decoded = decode_body(raw[: 2 * BODY_LIMIT], encoding) if encoding else raw
    if decoded is None:
        decoded = raw
    if len(decoded) > BODY_LIMIT:
        return Body(None, _decode(decoded[:1024]), is_json=False, readable=False)
    text = _decode(decoded)
    data, is_json = parse(text)
    return Body(data, text, is_json, readable=True)


def _decode(raw: bytes) -> str:
    for bom, name in _BOMS:
        if raw.startswith(bom):
            return raw[len(bom) :].decode(name, "replace")
    return raw.decode("utf-8", "replace")


def parse(text: str) -> tuple[object, bool]:
    """Return the JSON value that `text` is, and whether it is one."""
    try:
        return json.loads(text), True
    except (ValueError, RecursionError):
        return None, False


def excerpt(body: Body) -> str:
    """Return the start of the body for the log: redacted, on one line, cut."""
    return log_safe(body.text, _EXCERPT)


def events(text: str) -> Iterator[tuple[str, object]]:
    """Yield (event, parsed data) of server-sent events; data that is no JSON is its text."""
    name, data = "", list[str]()
    for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        if not line:
            if data:
                yield name, _value("\n".join(data))
            name, data = "", []
            continue
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "event":
            name = value
        elif field == "data":
            data.append(value)
    if data:
        yield name, _value("\n".join(data))


def _value(text: str) -> object:
    data, is_json = parse(text)
    return data if is_json else text


def json_lines(text: str) -> list[object] | None:
    """Return the values of JSON lines, or None where a line is none."""
    values: list[object] = []
    for line in text.split("\n"):
        if line.strip():
            data, is_json = parse(line)
            if not is_json:
                return None
            values.append(data)
    return values or None


def tokens(holder: object, names: Iterable[str]) -> Iterator[str]:
    """Yield the strings under `names` of a body, of its `error` and of `error.details`."""
    for item in holders(holder):
        for name in names:
            value = item.get(name)
            if isinstance(value, str):
                yield value


def holders(body: object) -> Iterator[dict[object, object]]:
    """Yield the objects of a body that may carry tokens: itself, `error`, its details."""
    if not isinstance(body, dict):
        return
    yield body
    error: object = body.get("error")
    if not isinstance(error, dict):
        return
    yield error
    for name in ("details", "innererror"):
        details: object = error.get(name)
        for item in details if isinstance(details, list) else (details,):
            if isinstance(item, dict):
                yield item
