"""Watching a stream of events for an error.

A provider that fails after its 200 sends an error inside the stream, or just stops. Feed a
`StreamWatch` the bytes as they arrive, and close it at the end. It stores only the event that is
being received.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._binary_events import BinaryBuffer, starts_binary
from ._events import EventBuffer
from ._progress import Progress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from kaiko_middleware.errors import KaikoError

    from ._classify import Found
    from ._events import Event

    MakeError = Callable[[Found], KaikoError]

__all__ = ["StreamWatch"]

_EVENT_LIMIT = 64 * 1024


class StreamWatch:
    r"""Reads the bytes of one stream of events; made by `Upstream.watch`.

    Server-sent events, JSON lines, and the binary events of AWS Bedrock.

    >>> from kaiko_middleware.upstream import Upstream
    >>> watch = Upstream("llm").watch()
    >>> watch.feed(b'data: {"object": "chat.completion.chunk", "choices": []}\n\n')
    >>> watch.close()
    Traceback (most recent call last):
    kaiko_middleware.errors.ServiceUnavailableError: The service is temporarily unavailable

    Arguments:
        make_error: makes the typed error.
        llm: whether the stream is an LLM provider's.

    """

    __slots__ = ("_buffer", "_make_error", "_progress")

    def __init__(self, make_error: MakeError, *, llm: bool) -> None:
        self._make_error = make_error
        self._buffer: EventBuffer | BinaryBuffer | None = None
        self._progress = Progress(llm=llm)

    @property
    def content_seen(self) -> bool:
        """Whether content has arrived; after that, do not retry silently."""
        return self._progress.content_seen

    def feed(self, chunk: bytes) -> None:
        """Read the next bytes.

        Raises:
            KaikoError: the bytes complete an event that is an error.

        """
        if not chunk:
            return
        buffer = self._buffer
        if buffer is None:
            made = BinaryBuffer if starts_binary(chunk) else EventBuffer
            self._buffer = buffer = made(_EVENT_LIMIT)
        self._take(buffer.feed(chunk))

    def close(self) -> None:
        """End the watch at the end of the stream.

        Raises:
            KaikoError: an LLM's stream ended without its terminator, or in an error; or there
                was no event in it.

        """
        if self._buffer is not None:
            self._take(self._buffer.close())
        found = self._progress.end()
        if found is not None:
            raise self._make_error(found)

    def _take(self, events: Iterable[Event]) -> None:
        for event in events:
            found = self._progress.take(event)
            if found is not None:
                raise self._make_error(found if found.text else found._replace(text=event.text))
