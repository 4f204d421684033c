"""Watching a stream of server-sent events for the error that it may carry.

A provider that fails after its 200 says so inside the stream, or just stops. Feed a
`StreamWatch` the bytes as they come, and close it when they end; nothing of the stream is
kept but the event that is being received.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._body import events
from ._classify import ends_stream, error_in_event, is_llm_chunk
from ._tokens import PRELUDE_EVENTS

if TYPE_CHECKING:
    from collections.abc import Callable

    from kaiko_middleware.errors import KaikoError

    from ._tokens import Category

__all__ = ["StreamWatch"]

_EVENT_LIMIT = 64 * 1024
_ENDINGS = (b"\n\n", b"\r\n\r\n", b"\r\r")


class StreamWatch:
    """Reads the bytes of one event stream; made by `Upstream.watch`.

    Arguments:
        make_error: makes the typed error for a category and the data it was found in.

    """

    __slots__ = ("_buffer", "_ended", "_make_error", "_needs_end", "_skipping", "content_seen")

    def __init__(self, make_error: Callable[[Category, object], KaikoError]) -> None:
        self._make_error = make_error
        self._buffer = b""
        self._skipping = False
        self._needs_end = False
        self._ended = False
        self.content_seen = False
        """Whether content came already, after which nothing may be tried again silently."""

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes.

        Raises:
            KaikoError: they complete an event that is an error.

        """
        self._buffer += chunk
        while True:
            cut = min(
                (at + len(end) for end in _ENDINGS if (at := self._buffer.find(end)) >= 0),
                default=0,
            )
            if not cut:
                break
            block, self._buffer = self._buffer[:cut], self._buffer[cut:]
            if self._skipping:
                self._skipping = False
            else:
                self._take(block)
        if len(self._buffer) > _EVENT_LIMIT:
            # An event this large is content; only its end is still of interest.
            self._skipping = True
            self._needs_end = self._needs_end or b"chunk" in self._buffer[:_EVENT_LIMIT]
            self.content_seen = True
            self._buffer = self._buffer[-3:]

    def close(self) -> None:
        """Take note that the stream ended.

        Raises:
            KaikoError: an LLM's stream ended without its terminator, or in an error event.

        """
        if self._buffer and not self._skipping:
            block, self._buffer = self._buffer, b""
            self._take(block)
        if self._needs_end and not self._ended:
            raise self._make_error("unavailable", None)

    def _take(self, block: bytes) -> None:
        for name, data in events(block.decode("utf-8", "replace")):
            category = error_in_event(name, data)
            if category is not None:
                raise self._make_error(category, data)
            self._needs_end = self._needs_end or is_llm_chunk(data)
            self._ended = self._ended or ends_stream(data)
            kind: object = data.get("type") if isinstance(data, dict) else None
            if not isinstance(kind, str) or kind not in PRELUDE_EVENTS:
                self.content_seen = True
