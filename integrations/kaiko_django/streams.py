"""Streaming responses that fail: before their first chunk, and in the middle.

The core's `ResponseState` says whether the head waits for the first chunk, so that a stream
that fails at once gets a clean answer, and what the last chunk of one that fails later is. A
stream that it can only cut is left to the server.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, cast

from asgiref.sync import sync_to_async
from django.core.signals import got_request_exception

from kaiko_django.responses import replace_response, response_state
from kaiko_middleware.response_head import stream_kind
from kaiko_middleware.response_state import Chunk
from kaiko_middleware.tracing import tell_span

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator

    from django.http import HttpRequest, StreamingHttpResponse

    from kaiko_middleware.response_state import Failed
    from kaiko_wsgi.setup import Setup

__all__ = ["Stream"]


class Stream:
    """One streaming response.

    Arguments:
        setup: the settings.
        request: the request that is answered.
        response: the stream.
        wrapped: whether an outer layer holds the head back, and answers what fails first.

    """

    def __init__(
        self, setup: Setup, request: HttpRequest, response: StreamingHttpResponse, *, wrapped: bool
    ) -> None:
        self._request, self._response, self._wrapped = request, response, wrapped
        self._state = response_state(setup, request, None)
        headers = list(response.items())
        self._can_end = stream_kind(headers) is not None
        pieces = self._state.start(response.status_code, headers)
        if getattr(response, "file_to_stream", None) is not None:
            # A server may send it by a faster way.
            pieces = self._state.other_body()
        if pieces:
            replace_response(request, response, pieces)

    @property
    def is_held(self) -> bool:
        """Whether the head waits here for the first chunk."""
        return not self._wrapped and not self._state.started

    def hold(self) -> None:
        """Ask a synchronous stream for its first chunk now; raises what it raises."""
        chunks = cast("Iterator[bytes]", self._response.streaming_content)
        for first in chunks:
            self._state.body(first, more=True)
            rest = self._guarded(chunks) if self._can_end else chunks
            self._response.streaming_content = chain((first,), rest)
            return
        self._response.streaming_content = ()

    async def hold_async(self) -> None:
        """Ask an asynchronous stream for its first chunk now; raises what it raises."""
        chunks = cast("AsyncIterator[bytes]", self._response.streaming_content)
        async for first in chunks:
            self._state.body(first, more=True)
            rest = self._guarded_async(chunks) if self._can_end else chunks
            self._response.streaming_content = _resumed((first,), rest)
            return
        self._response.streaming_content = _resumed((), chunks)

    def answer(self, exc: Exception) -> bool:
        """Answer what a held stream raised; whether it has no mapping."""
        response, failed = self._response, self._failed(exc)
        response.cookies.clear()
        replace_response(self._request, response, failed.pieces, gone=self._state.client_gone)
        return failed.unmapped

    def guard(self) -> None:
        """End the stream with an envelope if it fails, where its content type allows that."""
        if not self._can_end:
            return
        if self.is_held:  # its chunks are awaited by somebody else
            self._state.body(b"", more=True)
        content = self._response.streaming_content
        if self._response.is_async:
            guarded = self._guarded_async(cast("AsyncIterator[bytes]", content))
            self._response.streaming_content = guarded
        else:
            self._response.streaming_content = self._guarded(cast("Iterator[bytes]", content))

    def _guarded(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        try:
            for chunk in chunks:
                self._state.body(chunk, more=True)
                yield chunk
        except Exception as exc:  # noqa: BLE001 - whatever the stream raises is answered
            last, unmapped = self._last(exc)
            if unmapped:
                got_request_exception.send_robust(sender=None, request=self._request)
            yield last

    async def _guarded_async(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        try:
            async for chunk in chunks:
                self._state.body(chunk, more=True)
                yield chunk
        except Exception as exc:  # noqa: BLE001 - likewise
            last, unmapped = self._last(exc)
            if unmapped:
                # In a thread, as Django does: receivers may block, and ask which exception.
                send = sync_to_async(got_request_exception.send_robust, thread_sensitive=False)
                await send(sender=None, request=self._request)
            yield last

    def _last(self, exc: Exception) -> tuple[bytes, bool]:
        """Return the last chunk of a stream that fails, and whether `exc` has no mapping.

        Raises `exc` for an outer layer.
        """
        if not self._state.started:
            raise exc
        failed = self._failed(exc)
        last = b"".join([piece.body for piece in failed.pieces if isinstance(piece, Chunk)])
        return last, failed.unmapped

    def _failed(self, exc: Exception) -> Failed:
        failed = self._state.fail(exc)
        if failed.unmapped:  # it is raised no further
            tell_span(exc)
        return failed


async def _resumed(first: Iterable[bytes], rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    for chunk in first:
        yield chunk
    async for chunk in rest:
        yield chunk
