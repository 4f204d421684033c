"""Streaming responses that fail: before their first chunk, and in the middle.

Event streams and JSON lines end with an envelope. Any other stream is asked for its first
chunk before its head is sent, so that one that fails at once gets a clean answer; if it
fails later it is cut by the server, which is all that HTTP can say then. Nothing is kept
but the last four bytes.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple, cast

from kaiko_middleware.render import event_frame
from kaiko_middleware.response_head import stream_kind

if TYPE_CHECKING:
    from django.http import StreamingHttpResponse

    from kaiko_middleware import Config
    from kaiko_middleware.pipeline import Answer

__all__ = ["guard", "hold", "hold_async", "is_held"]

Ending = Callable[[bytes, bytes], bytes]
OnFailure = Callable[[Exception], "Answer"]


def guard(
    response: StreamingHttpResponse, on_failure: OnFailure, *, let_first_pass: bool, silent: bool
) -> None:
    """End the stream with an envelope if it fails, where its content type allows that.

    Arguments:
        response: the stream.
        on_failure: reports the exception and returns what is said of it.
        let_first_pass: let an exception before the first chunk pass to an outer layer.
        silent: end the stream without a word, as the answer to a HEAD.

    """
    ending = stream_kind(response.items())
    if ending is None:
        return
    last = _Last(_nothing if silent else ending, on_failure, let_first_pass)
    content = response.streaming_content
    if isinstance(content, Iterator):
        response.streaming_content = last.guarded(content)
    else:
        response.streaming_content = last.guarded_async(content)


def is_held(response: StreamingHttpResponse, config: Config) -> bool:
    """Whether the head waits for the first chunk.

    Not that of a body of known length, which the head promises already, nor a file's, which
    a server may send by a faster way; an event stream's only on demand.
    """
    if "Content-Length" in response or getattr(response, "file_to_stream", None) is not None:
        return False
    return config.hold_event_streams or stream_kind(response.items()) is not event_frame


def hold(response: StreamingHttpResponse) -> None:
    """Ask a synchronous stream for its first chunk now; raises what it raises."""
    content = cast("Iterator[bytes]", response.streaming_content)
    for first in content:
        response.streaming_content = chain((first,), content)
        return
    response.streaming_content = ()


async def hold_async(response: StreamingHttpResponse) -> None:
    """Ask an asynchronous stream for its first chunk now; raises what it raises."""
    content = cast("AsyncIterator[bytes]", response.streaming_content)
    async for first in content:
        response.streaming_content = _resumed(first, content)
        return
    response.streaming_content = _empty()


class _Last(NamedTuple):
    """What is said at the end of a stream that fails."""

    ending: Ending
    on_failure: OnFailure
    let_first_pass: bool

    def guarded(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        """Yield the chunks, and what is said if they fail."""
        tail: bytes | None = None
        try:
            for chunk in chunks:
                tail = ((tail or b"") + chunk[-4:])[-4:]
                yield chunk
        except Exception as exc:
            last = self.said(exc, tail)
            if last is None:
                raise
            yield last

    async def guarded_async(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """Yield the chunks, and what is said if they fail."""
        tail: bytes | None = None
        try:
            async for chunk in chunks:
                tail = ((tail or b"") + chunk[-4:])[-4:]
                yield chunk
        except Exception as exc:
            last = self.said(exc, tail)
            if last is None:
                raise
            yield last

    def said(self, exc: Exception, tail: bytes | None) -> bytes | None:
        """Return what is said of `exc` after the bytes `tail`; None to let it pass."""
        if tail is None and self.let_first_pass:
            return None
        answer = self.on_failure(exc)
        return b"" if answer.disconnected else self.ending(answer.reply.body, tail or b"")


def _nothing(_body: bytes, _sent: bytes) -> bytes:
    return b""


async def _resumed(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for chunk in rest:
        yield chunk


async def _empty() -> AsyncIterator[bytes]:
    return
    yield b""
