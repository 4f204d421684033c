"""brotli and zstd, which need a library: read where one is there, in bounded time and space."""

from __future__ import annotations

import sys
import tracemalloc
import zlib
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from kaiko_middleware import Config, content_coding
from kaiko_middleware.content_coding import BODY_LIMIT, decode_body, decode_start
from kaiko_middleware.pipeline import Pipeline
from unit.support import REQUEST

if TYPE_CHECKING:
    from collections.abc import Callable

    Compress = Callable[[bytes], bytes]

TEXT = b'{"detail": "No such item"}'
ZSTD = "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"
OPTIONAL = list(vars(content_coding)["_OPTIONAL"].items())
CODINGS = [("br", "brotli"), ("zstd", ZSTD)]


def compressing(module: str) -> Compress:
    """Return the library's way to compress; skip where there is no wheel of it."""
    library: Any = pytest.importorskip(module)
    compress: Compress = library.compress
    return compress


@pytest.mark.parametrize(("coding", "module"), CODINGS)
def test_a_compressed_answer_is_read(coding: str, module: str) -> None:
    """Like one of gzip's: a client asks for these as soon as it can undo them."""
    body = compressing(module)(TEXT)
    headers = [("Content-Type", "application/json"), ("Content-Encoding", coding)]
    answer = Pipeline(Config()).on_answer(404, headers, body, REQUEST)
    assert answer.error.message == "No such item"
    assert decode_body(zlib.compress(body), f"{coding}, deflate") == TEXT


def test_the_frames_of_zstd_are_read_one_after_the_other() -> None:
    """As the members of gzip are."""
    compress = compressing(ZSTD)
    body = compress(TEXT[:9]) + compress(b"") * 9 + compress(TEXT[9:])
    assert decode_body(body, "zstd") == TEXT
    assert decode_body(body + b"more", "zstd") is None


@pytest.mark.parametrize(("coding", "module"), CODINGS)
def test_what_is_not_what_it_says_is_not_read(coding: str, module: str) -> None:
    """Nor what has more behind its end."""
    body = compressing(module)(TEXT)
    assert decode_body(TEXT, coding) is None
    assert decode_body(body + b" " * 32, coding) is None
    assert decode_body(b"", coding) == b""


@pytest.mark.parametrize(("coding", "module"), CODINGS)
def test_a_bomb_is_not_unpacked(coding: str, module: str) -> None:
    """A hundred megabytes in some hundred bytes take no more than a block of it."""
    bomb = compressing(module)(bytes(100_000_000))
    assert decode_body(compressing(module)(bytes(BODY_LIMIT)), coding) == bytes(BODY_LIMIT)
    tracemalloc.start()
    try:
        assert decode_body(bomb, coding) is None
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 60_000_000
    assert decode_start(bomb, coding) == bytes(BODY_LIMIT + 1)


class Reversing:
    """A library that only turns bytes round, by the methods that the others have."""

    def decompress(self, body: bytes) -> bytes:
        """Undo it."""
        return body[::-1]

    def decompressobj(self, *, read_across_frames: bool) -> Reversing:
        """Return what undoes it."""
        assert read_across_frames
        return self


@pytest.mark.parametrize(
    ("coding", "module", "library"),
    [
        ("br", "brotlicffi", SimpleNamespace(Decompressor=Reversing)),
        ("zstd", "zstandard", SimpleNamespace(ZstdDecompressor=lambda **_: Reversing())),
    ],
)
def test_other_libraries_for_it_are_taken(
    coding: str, module: str, library: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By their own names for the same."""
    known = {module: library}
    monkeypatch.setattr(content_coding, "_library", known.get)
    assert decode_body(b"abc", coding) == b"cba"


@pytest.mark.parametrize("coding", ["br", "zstd", "compress"])
def test_without_a_library_nothing_is_read(coding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The core needs none: the answer has the status's message then."""
    names = {key: [(f"missing_{name}", make) for name, make in value] for key, value in OPTIONAL}
    monkeypatch.setattr(content_coding, "_OPTIONAL", names)
    assert decode_body(b"abc", coding) is None
