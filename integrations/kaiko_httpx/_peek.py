"""Reading a body, or its start, and keeping it for the reader."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from kaiko_httpx._deadline import Deadline

PEEK_LIMIT = 64 * 1024


class Peeked:
    """Mixed into a library's stream class: yields what was read already, then the rest.

    Arguments:
        stream: the stream to read.

    """

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._rest: Any = None
        self.failure: Exception | None = None
        """What ended the reading, for the reader."""
        self.start: list[bytes] = []

    def _enough(self, part: bytes, left: float, deadline: Deadline | None) -> bool:
        """Keep a part; return whether to stop reading."""
        self.start.append(part)
        return len(part) >= left or (deadline is not None and deadline.is_past)


class SyncPeeked(Peeked):
    """The synchronous half."""

    def peek(self, limit: float, deadline: Deadline | None) -> bytes:
        """Read up to `limit` bytes, as long as the call has time; keep a failure for the reader."""
        self._rest = iter(self._stream)
        size = 0
        try:
            for part in self._rest:
                if self._enough(part, limit - size, deadline):
                    break
                size += len(part)
        except Exception as exc:  # noqa: BLE001 - the caller decides about it
            self.failure = exc
        return b"".join(self.start)

    def __iter__(self) -> Iterator[bytes]:
        """Yield the whole body."""
        yield from self.start
        if self.failure is not None:
            raise self.failure
        if self._rest is not None:
            yield from self._rest

    def close(self) -> None:
        """Close the stream."""
        self._rest = None
        self._stream.close()


class AsyncPeeked(Peeked):
    """The asynchronous half."""

    async def peek(self, limit: float, deadline: Deadline | None) -> bytes:
        """Read up to `limit` bytes, as long as the call has time; keep a failure for the reader."""
        self._rest = aiter(self._stream)
        size = 0
        try:
            async for part in self._rest:
                if self._enough(part, limit - size, deadline):
                    break
                size += len(part)
        except Exception as exc:  # noqa: BLE001 - the caller decides about it
            self.failure = exc
        return b"".join(self.start)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the whole body."""
        for part in self.start:
            yield part
        if self.failure is not None:
            raise self.failure
        rest = self._take_rest()
        if rest is not None:
            try:
                async for part in rest:
                    yield part
            finally:
                await _end(rest)

    async def aclose(self) -> None:
        """Close the stream."""
        try:
            await _end(self._take_rest())
        finally:
            await self._stream.aclose()

    def _take_rest(self) -> Any:
        """Return the rest once: its only owner must end it."""
        rest, self._rest = self._rest, None
        return rest


async def _end(iterator: Any) -> None:
    """Close a generator that was not read to its end; trio warns if it is only dropped."""
    if hasattr(iterator, "aclose"):
        await iterator.aclose()
