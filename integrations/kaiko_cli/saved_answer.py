"""Reading an answer that somebody saved or piped: `curl -i`, `curl -v`, a dump, or a body alone.

The bytes may be anything. There may be several heads (100 Continue, redirects, a proxy's), CRLF or
LF, a chunked body, what curl says about the connection, or no head at all. Nothing here raises.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["READ_LIMIT", "SavedAnswer", "read_answer"]

READ_LIMIT = 1024 * 1024
"""Bytes that are read of an answer."""

_STATUS_LINE = re.compile(rb"HTTP/\d(?:\.\d)? (\d{3})(?!\d)")
_SENT = re.compile(rb"> ([A-Z]{1,20}) \S+ HTTP/")
_BLANK = re.compile(rb"\r?\n\r?\n")
_HEADS = 64  # of one answer: curl follows 50 redirects
_HEADERS = 1000  # of one head
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]*)?\r?\n")
# What curl writes among an answer: its notes, what it sent, sizes, the progress meter.
_NOISE = re.compile(
    rb"(?:[*>{}=] |[*>]\s*$|\r\Z|  % Total|\s*Dload|\s*\d+ +[\d.]+[kMG]? .*--:--|curl: \()"
)
_LEFT = re.compile(rb"\* Connection #\d+ to host [^\n]*\s*\Z")


class SavedAnswer(NamedTuple):
    """An answer, as far as it could be read.

    `status` is None where there is no head. `earlier` are the statuses of heads before it, `method`
    is the request's where curl said it. `notes` say what is missing.
    """

    status: int | None
    headers: tuple[tuple[str, str], ...]
    body: bytes
    earlier: tuple[int, ...] = ()
    method: str | None = None
    notes: tuple[str, ...] = ()

    def value(self, name: str) -> str:
        """Return a header's values, joined; empty if there is none."""
        return ", ".join(value for other, value in self.headers if other.lower() == name)


def read_answer(raw: bytes) -> SavedAnswer:
    """Return the last answer in `raw`, of which at most `READ_LIMIT` bytes are read."""
    notes = [f"only the first {READ_LIMIT} bytes were read"] if len(raw) > READ_LIMIT else []
    raw = raw[:READ_LIMIT]
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):  # as PowerShell saves a program's output
        raw = raw.decode("utf-16", "replace").encode("utf-8", "replace")
    raw = raw.removeprefix(b"\xef\xbb\xbf")
    method = None
    if re.search(rb"^< HTTP/", raw, re.MULTILINE):
        raw, method = _without_notes(raw)
    start = None if raw.lstrip()[:1] in {b"{", b"[", b"<"} else _first_head(raw)
    if start is None:
        return SavedAnswer(None, (), raw, method=method, notes=tuple(notes))
    heads = list(_heads(raw[start:]))
    last, rest = heads.pop()
    while heads and heads[-1][0] == last:  # curl -i -v writes it twice
        heads.pop()
    body, missing = _body(last, rest)
    if missing and not notes:
        notes.append(missing)
    earlier = tuple(head.status for head, _ in heads)
    return SavedAnswer(last.status, last.headers, body, earlier, method, tuple(notes))


@dataclass(frozen=True, slots=True)
class _Head:
    status: int
    headers: tuple[tuple[str, str], ...]

    def value(self, name: str) -> str:
        return ",".join(value for other, value in self.headers if other.lower() == name).lower()

    @property
    def length(self) -> int | None:
        said = self.value("content-length")
        return int(said) if re.fullmatch("[0-9]{1,12}", said, re.ASCII) else None


def _first_head(raw: bytes) -> int | None:
    """Return where the first status line is: at the start of a line."""
    found = re.search(rb"^" + _STATUS_LINE.pattern, raw, re.MULTILINE)
    return None if found is None else found.start()


def _heads(raw: bytes) -> Iterator[tuple[_Head, bytes]]:
    """Yield each head with what follows it."""
    for _ in range(_HEADS):
        blank = _BLANK.search(raw)
        head = _head(raw if blank is None else raw[: blank.start()])
        rest = b"" if blank is None else raw[blank.end() :]
        yield head, rest
        following = _following(head, rest)
        if following is None:
            return
        raw = following


def _following(head: _Head, rest: bytes) -> bytes | None:
    """Return what follows an answer, if that is another one."""
    # curl writes the heads of redirects without their bodies.
    for start in (0, head.length or 0):
        text = rest[start:].lstrip(b"\r\n")
        if _STATUS_LINE.match(text):
            return text
    return None


def _head(raw: bytes) -> _Head:
    first, *lines = re.split(rb"\r?\n", raw)
    status = _STATUS_LINE.match(first)
    headers: list[tuple[str, str]] = []
    for line in lines[:_HEADERS]:
        text = line.decode("latin-1")
        name, colon, value = text.partition(":")
        if text[:1] in {" ", "\t"} and headers:  # a value that goes on, as HTTP once had it
            headers[-1] = (headers[-1][0], f"{headers[-1][1]} {text.strip()}")
        elif colon:
            headers.append((name.strip(), value.strip()))
    return _Head(0 if status is None else int(status[1]), tuple(headers))


def _body(head: _Head, rest: bytes) -> tuple[bytes, str]:
    """Return the body, and what is missing of it."""
    if "chunked" in head.value("transfer-encoding"):
        return _dechunked(rest)
    length = head.length
    if length is None or length == len(rest):
        return rest, ""
    if length > len(rest):
        return rest, f"the body has {len(rest)} of {length} bytes" if rest else ""
    # An editor, or a shell, adds a line end.
    return (rest[:length], "") if rest[length:].isspace() else (rest, "")


def _dechunked(rest: bytes) -> tuple[bytes, str]:
    """Undo the chunked coding, where the bytes still have it: curl undoes it itself."""
    body, at = bytearray(), 0
    while (chunk := _CHUNK.match(rest, at)) is not None:
        size, start = int(chunk[1], 16), chunk.end()
        if size == 0:
            return bytes(body), ""
        body += rest[start : start + size]
        end = start + size
        at = end + (2 if rest[end : end + 2] == b"\r\n" else 1)
        if len(rest) < end:
            return bytes(body), "the chunked body is cut off"
        if rest[end : end + 1] not in {b"\r", b"\n"}:
            break  # no line end after it: it only looked like a chunk
    else:
        if body:
            return bytes(body), "the chunked body is cut off"
    return rest, ""


def _without_notes(raw: bytes) -> tuple[bytes, str | None]:
    """Return what `curl -v` received, as `curl -i` writes it, and the request's method."""
    method: str | None = None
    received: list[bytes] = []
    in_head = before = True
    for line in raw.splitlines(keepends=True):
        sent = _SENT.match(line)
        if sent is not None:
            method = sent[1].decode()
        if line.startswith(b"< HTTP/"):
            in_head = True
        if line.rstrip() == b"<":
            in_head, before = False, True
            received.append(b"\r\n")
        elif line.startswith(b"< "):
            received.append(line[2:])
        elif in_head or _NOISE.match(line) or (before and not line.strip()):
            continue  # with -i as well, the lines of the head are there twice
        else:
            before = False
            received.append(line)
    return _LEFT.sub(b"", b"".join(received)), method
