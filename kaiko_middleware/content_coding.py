"""Undoes a `Content-Encoding` of a hostile body, in bounded time and space."""

from __future__ import annotations

import zlib
from functools import lru_cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    Feed = Callable[[bytes], bytes]

__all__ = ["BODY_LIMIT", "decode_body", "decode_start"]

BODY_LIMIT = 64 * 1024
"""Bytes of a foreign error body that are read; a larger one is dropped unread."""
_CODINGS = 8  # of one body: each takes time
_GZIP = b"\x1f\x8b"
_MEMBERS = 64  # of a gzip body: 3,000 empty ones in 64 KiB would each be unpacked for nothing
_TEXT = bytes((*b"\t\n\r", *range(0x20, 0x7F)))


def decode_body(body: bytes, encoding: str) -> bytes | None:
    """Undo a `Content-Encoding`, up to 64 KiB; None where that is not possible."""
    start = decode_start(body, encoding)
    return None if start is None or len(start) > BODY_LIMIT else start


def decode_start(body: bytes, encoding: str) -> bytes | None:
    """Undo a `Content-Encoding` of which no more than 64 KiB and a byte are wanted.

    None where that is not possible: the encoding is unknown, or it is not what `body` has.
    """
    names = [item.strip().lower() for item in encoding.split(",") if item.strip()]
    if len(names) > _CODINGS:
        return None
    for name in reversed(names):
        if name == "identity":
            continue
        if name in {"gzip", "x-gzip", "deflate"}:
            start = _inflate(body, BODY_LIMIT + 1)
            if start is None and name == "deflate":
                start = _inflate_raw(body, BODY_LIMIT + 1)
        else:
            start = _fed(body, name, BODY_LIMIT + 1)
        if start is None:
            return None
        body = start
    return body


def _fed(body: bytes, name: str, limit: int) -> bytes | None:
    """Return the first `limit` bytes of brotli or zstd, or None where it is neither.

    None, too, where no library for it is installed.
    """
    libraries = ((_library(module), make) for module, make in _OPTIONAL.get(name, ()))
    start = b""
    try:
        feed = next((make(library) for library, make in libraries if library is not None), None)
        if feed is None:
            return None
        for position in range(0, len(body), _PIECE):
            start += feed(body[position : position + _PIECE])
            if len(start) >= limit:
                return start[:limit]
    except Exception:  # noqa: BLE001 - each library has an error of its own
        return None
    return start


# A piece of brotli becomes at most some 16 MiB, one of zstd far less: no library is asked for
# a limit, which some releases cannot take.
_PIECE = 16
_WINDOW = 23  # as a power of two: RFC 9659 allows no larger one


def _zstd(library: Any) -> Feed:
    options = {library.DecompressionParameter.window_log_max: _WINDOW}
    frame = library.ZstdDecompressor(options=options)

    def feed(piece: bytes) -> bytes:
        nonlocal frame
        start: bytes = frame.decompress(piece)
        while frame.eof:  # another frame may follow
            piece, frame = frame.unused_data, library.ZstdDecompressor(options=options)
            start += frame.decompress(piece)
        return start

    return feed


def _zstandard(library: Any) -> Feed:
    made = library.ZstdDecompressor(max_window_size=1 << _WINDOW)
    feed: Feed = made.decompressobj(read_across_frames=True).decompress
    return feed


def _brotli(library: Any) -> Feed:
    decompressor = library.Decompressor()
    feed: Feed = getattr(decompressor, "process", None) or decompressor.decompress
    return feed


_OPTIONAL: dict[str, tuple[tuple[str, Callable[[Any], Feed]], ...]] = {
    "br": (("brotli", _brotli), ("brotlicffi", _brotli)),
    "zstd": (("compression.zstd", _zstd), ("backports.zstd", _zstd), ("zstandard", _zstandard)),
}


@lru_cache
def _library(name: str) -> object | None:
    try:
        return import_module(name)
    except ImportError:
        return None


def _inflate(body: bytes, limit: int) -> bytes | None:
    """Return the first `limit` bytes of zlib, or of gzip's members; None where it is neither."""
    start = b""
    for _ in range(_MEMBERS):
        inflater = zlib.decompressobj(zlib.MAX_WBITS | 32)
        try:
            start += inflater.decompress(body, limit - len(start))
        except zlib.error:
            return None
        body = inflater.unused_data
        if len(start) >= limit or not body.startswith(_GZIP):
            return start
    return None


def _inflate_raw(body: bytes, limit: int) -> bytes | None:
    """Return the first `limit` bytes of a bare deflate, or None where it is none.

    Some servers send it under that name, against RFC 9110, 8.4.1.2. It has neither a head nor
    a sum, so any text may look like the start of one, and a short one like a whole: it counts
    only where it ends with the body, or is longer than what is wanted, and is no text itself.
    """
    if not body.translate(None, _TEXT):
        return None
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        start = inflater.decompress(body, limit)
    except zlib.error:
        return None
    ends = inflater.eof and not inflater.unused_data
    return start if ends or len(start) >= limit else None
