"""Looking at the start of an error answer's body without taking it from its reader."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kaiko_httpx._attempts import PEEK_LIMIT

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator


class Peeked:
    """Mixed with a library's stream class: what was read already, then the rest.

    Arguments:
        start: the parts that were read.
        rest: the iterator that they were read from.
        stream: the stream it belongs to, which is closed in the end.

    """

    def __init__(self, start: list[bytes], rest: Any, stream: Any) -> None:
        self._start = start
        self._rest = rest
        self._stream = stream


class SyncPeeked(Peeked):
    """The synchronous half."""

    def __iter__(self) -> Iterator[bytes]:
        """Yield the whole body."""
        yield from self._start
        yield from self._rest

    def close(self) -> None:
        """Close the stream."""
        self._stream.close()


class AsyncPeeked(Peeked):
    """The asynchronous half."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the whole body."""
        for part in self._start:
            yield part
        async for part in self._rest:
            yield part

    async def aclose(self) -> None:
        """Close the stream."""
        await self._stream.aclose()


def peek(stream: Any) -> tuple[list[bytes], Any]:
    """Read up to 64 KiB of a synchronous stream; return the parts and where to go on."""
    rest = iter(stream)
    parts: list[bytes] = []
    size = 0
    for part in rest:
        parts.append(part)
        size += len(part)
        if size >= PEEK_LIMIT:
            break
    return parts, rest


async def peek_async(stream: Any) -> tuple[list[bytes], Any]:
    """Read up to 64 KiB of an asynchronous stream; return the parts and where to go on."""
    rest = aiter(stream)
    parts: list[bytes] = []
    size = 0
    async for part in rest:
        parts.append(part)
        size += len(part)
        if size >= PEEK_LIMIT:
            break
    return parts, rest
