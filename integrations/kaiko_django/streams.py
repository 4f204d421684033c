"""Streaming responses that fail: before their first chunk, and in the middle.

Event streams and JSON lines end with an envelope. Any other stream is asked for its first
chunk before its head is sent, so that one that fails at once gets a clean answer; if it
fails later it is cut by the server, which is all that HTTP can say then. Nothing is kept
but the last four bytes.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from itertools import chain
from typing import TYPE_CHECKING

from kaiko_middleware.exchange import stream_kind
from kaiko_middleware.rendering import event_frame

if TYPE_CHECKING:
    from django.http import StreamingHttpResponse

    from kaiko_middleware import Config
    from kaiko_middleware.engine import Answer

__all__ = ["guard", "hold", "hold_async", "is_held"]

Ending = Callable[[bytes, bytes], bytes]
OnFailure = Callable[[Exception], "Answer"]


def guard(response: StreamingHttpResponse, on_failure: OnFailure, *, let_first_pass: bool) -> None:
    """End the stream with an envelope if it fails, where its content type allows that.

    Arguments:
        response: the stream.
        on_failure: reports the exception and returns what is said of it.
        let_first_pass: let an exception before the first chunk pass to an outer layer.

    """
    ending = stream_kind(response.items())
    if ending is None:
        return
    content = response.streaming_content
    if isinstance(content, Iterator):
        response.streaming_content = _guarded(content, ending, on_failure, let_first_pass)
    else:
        response.streaming_content = _guarded_async(content, ending, on_failure, let_first_pass)


def is_held(response: StreamingHttpResponse, config: Config) -> bool:
    """Whether the head waits for the first chunk.

    Not that of a body of known length, which the head promises already, nor a file's, which
    a server may send by a faster way; an event stream's only on demand.
    """
    if "Content-Length" in response or getattr(response, "file_to_stream", None) is not None:
        return False
    return config.hold_event_streams or stream_kind(response.items()) is not event_frame


def hold(response: StreamingHttpResponse) -> None:
    """Ask for the first chunk now; raises what the stream raises."""
    content = response.streaming_content
    if isinstance(content, Iterator):
        for first in content:
            response.streaming_content = chain((first,), content)
            return
        response.streaming_content = ()


async def hold_async(response: StreamingHttpResponse) -> None:
    """Ask an asynchronous stream for its first chunk now; raises what it raises."""
    content = response.streaming_content
    if isinstance(content, Iterator):
        return
    async for first in content:
        response.streaming_content = _resumed(first, content)
        return
    response.streaming_content = _empty()


def _guarded(
    chunks: Iterator[bytes],
    ending: Ending,
    on_failure: OnFailure,
    let_first_pass: bool,  # noqa: FBT001 - private, and passed by position once
) -> Iterator[bytes]:
    tail = b""
    try:
        for chunk in chunks:
            let_first_pass = False
            tail = (tail + chunk[-4:])[-4:]
            yield chunk
    except Exception as exc:
        if let_first_pass:
            raise
        answer = on_failure(exc)
        if not answer.disconnected:
            yield ending(answer.reply.body, tail)


async def _guarded_async(
    chunks: AsyncIterator[bytes],
    ending: Ending,
    on_failure: OnFailure,
    let_first_pass: bool,  # noqa: FBT001 - private, and passed by position once
) -> AsyncIterator[bytes]:
    tail = b""
    try:
        async for chunk in chunks:
            let_first_pass = False
            tail = (tail + chunk[-4:])[-4:]
            yield chunk
    except Exception as exc:
        if let_first_pass:
            raise
        answer = on_failure(exc)
        if not answer.disconnected:
            yield ending(answer.reply.body, tail)


async def _resumed(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for chunk in rest:
        yield chunk


async def _empty() -> AsyncIterator[bytes]:
    return
    yield b""
