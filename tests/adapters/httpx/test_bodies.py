"""Request bodies that can be sent again, and those that cannot."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pytest

from adapters.httpx.scripted import Answer, Scripted, Step
from adapters.httpx.ways import Way, every_way

if TYPE_CHECKING:
    from collections.abc import Callable


class _NotSeekable(io.BytesIO):
    def seekable(self) -> bool:
        return False

    def seek(self, _offset: int, _whence: int = 0) -> int:
        raise io.UnsupportedOperation


class _Odd:
    """Has no more of a file than a body needs."""

    def read(self, _size: int = -1) -> bytes:
        return b""


_REPLAYABLE: dict[str, Callable[[], dict[str, Any]]] = {
    "none": dict,
    "bytes": lambda: {"content": b"raw"},
    "text": lambda: {"content": "raw"},
    "json": lambda: {"json": {"a": [1]}},
    "form": lambda: {"data": {"a": "1"}},
    "file": lambda: {"files": {"f": ("name.txt", io.BytesIO(b"in a file"))}},
    "files and fields": lambda: {
        "data": {"a": "1"},
        "files": [("f", b"one"), ("g", io.BytesIO(b"two"))],
    },
}


@every_way
@pytest.mark.parametrize("kind", _REPLAYABLE)
def test_a_body_in_memory_or_in_files_is_sent_again_whole(way: Way, kind: str) -> None:
    """Files are rewound; every attempt sends the same."""
    called = way.call(Scripted(503, "ConnectError", 200), "POST", **_REPLAYABLE[kind]())
    assert (called.outcome, called.attempts) == (200, 3)
    first, *others = (seen.body for seen in called.upstream.seen)
    assert others == [first, first]
    assert bool(first) is (kind != "none")


@every_way
@pytest.mark.parametrize("step", [503, Answer(429, (b"slow down",)), "ConnectError", "ReadTimeout"])
def test_a_body_that_can_be_sent_once_is_not_retried(way: Way, step: Step) -> None:
    """The caller sees what really happened, and not that the body is gone."""
    called = way.call(Scripted(step, 200), "PUT", content=way.stream_of(b"on", b"ce"))
    assert called.outcome == (step.status if isinstance(step, Answer) else step)
    assert [seen.body for seen in called.upstream.seen] == [b"once"]
    assert called.reasons == ["not_replayable"]
    if isinstance(step, Answer):
        assert called.response.content == b"slow down"


@every_way
def test_a_file_that_does_not_rewind_is_not_retried(way: Way) -> None:
    """Half of it would be sent the second time."""
    files = {"f": ("pipe", _NotSeekable(b"from a pipe"))}
    called = way.call(Scripted(503, 200), "POST", files=files)
    assert (called.outcome, called.attempts) == (503, 1)
    assert called.reasons == ["not_replayable"]


@every_way
def test_what_is_hardly_a_file_is_not_retried(way: Way) -> None:
    """Nobody knows whether it rewinds."""
    called = way.call(Scripted(503, 200), "POST", files={"f": ("odd", _Odd())})
    assert (called.outcome, called.reasons) == (503, ["not_replayable"])


@every_way
def test_a_body_that_can_be_sent_once_is_sent_where_nothing_fails(way: Way) -> None:
    """Without being held in memory first."""
    called = way.call(Scripted(200), "POST", content=way.stream_of(b"on", b"ce"))
    assert called.outcome == 200
    assert called.upstream.seen[0].body == b"once"
    assert called.upstream.seen[0].headers["transfer-encoding"] == "chunked"
