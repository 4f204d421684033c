"""Streaming responses that fail: before their first chunk, and in the middle.

The core's `ResponseState` says whether the head waits for the first chunk, so that a stream
that fails at once gets a clean answer, and what the last chunk of one that fails later is. A
stream that it can only cut is left to the server.
"""

from __future__ import annotations

from itertools import chain, islice
from typing import TYPE_CHECKING, cast

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.core.signals import got_request_exception

from kaiko_django.responses import replace_response, response_state
from kaiko_middleware.response_head import stream_kind
from kaiko_middleware.response_pieces import Chunk
from kaiko_middleware.tracing import tell_span

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator

    from django.http import HttpRequest, StreamingHttpResponse
    from django.http.response import HttpResponseBase

    from kaiko_middleware.pipeline import Pipeline
    from kaiko_middleware.response_pieces import Failed

__all__ = ["Stream"]


class Stream:
    """One streaming response.

    Arguments:
        pipeline: the settings.
        request: the request that is answered.
        response: the stream.
        wrapped: whether an outer layer holds the head back, and answers what fails first.

    """

    def __init__(
        self,
        pipeline: Pipeline,
        request: HttpRequest,
        response: StreamingHttpResponse,
        *,
        wrapped: bool,
    ) -> None:
        self._request, self._response = request, response
        self._state = response_state(pipeline, request, None)
        headers = list(response.items())
        self._can_end = stream_kind(headers) is not None
        pieces = self._state.start(response.status_code, headers)
        if getattr(response, "file_to_stream", None) is not None:
            # A server may send it by a faster way.
            pieces = self._state.other_body()
        self._bug = (
            replace_response(response, pieces, self._state.request.request_id) if pieces else None
        )
        self._is_held = not wrapped and not self._state.started

    def hold(self) -> HttpResponseBase:
        """Return the response, once the first chunk is there where the head waits for it."""
        response = self._response
        if not self._is_held or response.is_async:
            return self._guard()
        chunks = cast("Iterator[bytes]", response.streaming_content)  # not is_async
        try:
            first = [*islice(chunks, 1)]
        except Exception as exc:  # noqa: BLE001 - whatever the stream raises is answered
            failed = self._failed(exc)
            self._tell(failed)
            return self._answer(failed, exc)
        rest = self._guarded(chunks) if self._can_end else chunks
        response.streaming_content = chain(self._fed(first), rest)
        return response

    async def hold_async(self) -> HttpResponseBase:
        """Do what `hold` does, on a stack that waits."""
        response = self._response
        # A synchronous iterator blocks, and Django reads it whole in a thread: only an outer
        # layer can hold the head until then.
        if not self._is_held or not response.is_async or not isinstance(self._request, ASGIRequest):
            return self._guard()
        chunks = cast("AsyncIterator[bytes]", response.streaming_content)  # is_async
        first: list[bytes] = []
        try:
            async for chunk in chunks:
                first.append(chunk)
                break
        except Exception as exc:  # noqa: BLE001 - whatever the stream raises is answered
            failed = self._failed(exc)
            await self._tell_async(failed)
            return self._answer(failed, exc)
        rest = self._guarded_async(chunks) if self._can_end else chunks
        response.streaming_content = _resumed(self._fed(first), rest)
        return response

    def _fed(self, chunks: list[bytes]) -> list[bytes]:
        for chunk in chunks:
            self._state.body(chunk, more=True)
        return chunks

    def _answer(self, failed: Failed, exc: Exception) -> HttpResponseBase:
        """Return the answer to what a held stream raised; in debug, Django shows its page."""
        if not failed.pieces:
            raise exc
        state = self._state
        self._response.cookies.clear()
        answer = replace_response(
            self._response, failed.pieces, state.request.request_id, gone=state.client_gone
        )
        return answer or self._response

    def _guard(self) -> HttpResponseBase:
        """End the stream with an envelope if it fails, where its content type allows that."""
        if self._bug is not None:
            return self._bug
        response = self._response
        if self._can_end:
            if self._is_held:  # its chunks are awaited by somebody else
                self._state.body(b"", more=True)
            content = response.streaming_content
            if response.is_async:
                chunks = cast("AsyncIterator[bytes]", content)  # is_async
                response.streaming_content = self._guarded_async(chunks)
            else:
                parts = cast("Iterator[bytes]", content)  # not is_async
                response.streaming_content = self._guarded(parts)
        return response

    def _guarded(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        try:
            for chunk in chunks:
                self._state.body(chunk, more=True)
                yield chunk
        except Exception as exc:
            if not self._state.started:
                raise  # for an outer layer
            failed = self._failed(exc)
            self._tell(failed)
            yield _last(failed)

    async def _guarded_async(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        try:
            async for chunk in chunks:
                self._state.body(chunk, more=True)
                yield chunk
        except Exception as exc:
            if not self._state.started:
                raise  # likewise
            failed = self._failed(exc)
            await self._tell_async(failed)
            yield _last(failed)

    def _failed(self, exc: Exception) -> Failed:
        failed = self._state.fail(exc)
        if failed.unmapped:  # it is raised no further
            tell_span(exc)
        return failed

    def _tell(self, failed: Failed) -> None:
        if failed.unmapped:
            got_request_exception.send_robust(sender=None, request=self._request)

    async def _tell_async(self, failed: Failed) -> None:
        # In a thread, as Django does: receivers may block, and ask which exception.
        await sync_to_async(self._tell, thread_sensitive=False)(failed)


def _last(failed: Failed) -> bytes:
    return b"".join([piece.body for piece in failed.pieces if isinstance(piece, Chunk)])


async def _resumed(first: Iterable[bytes], rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    for chunk in first:
        yield chunk
    async for chunk in rest:
        yield chunk
