"""Watching a stream of server-sent events for an error.

A provider that fails after its 200 sends an error inside the stream, or just stops. Feed a
`StreamWatch` the bytes as they arrive, and close it at the end. It stores only the event that is
being received.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ._classify import error_in_event
from ._events import EventBuffer, event_of
from ._llm import ends_stream, is_chunk, is_prelude

if TYPE_CHECKING:
    from collections.abc import Callable

    from kaiko_middleware.errors import Category, KaikoError

    MakeError = Callable[[Category, object, str], KaikoError]

__all__ = ["StreamWatch"]

_EVENT_LIMIT = 64 * 1024
_TYPE = re.compile(r'\{\s*"type"\s*:\s*"([a-z_.-]+)"')


class StreamWatch:
    r"""Reads the bytes of one event stream; made by `Upstream.watch`.

    >>> from kaiko_middleware.upstream import Upstream
    >>> watch = Upstream("llm").watch()
    >>> watch.feed(b'data: {"object": "chat.completion.chunk", "choices": []}\n\n')
    >>> watch.close()
    Traceback (most recent call last):
    kaiko_middleware.errors.ServiceUnavailableError: Service temporarily unavailable

    Arguments:
        make_error: makes the typed error from a category, the data of the error, and its text.

    """

    __slots__ = ("_buffer", "_ended", "_make_error", "_needs_end", "content_seen")

    def __init__(self, make_error: MakeError) -> None:
        self._make_error = make_error
        self._buffer = EventBuffer(_EVENT_LIMIT)
        self._needs_end = False
        self._ended = False
        self.content_seen: bool = False
        """Whether content has arrived; after that, do not retry silently."""

    def feed(self, chunk: bytes) -> None:
        """Read the next bytes.

        Raises:
            KaikoError: the bytes complete an event that is an error.

        """
        for block, whole in self._buffer.feed(chunk):
            self._take(block, whole=whole)

    def close(self) -> None:
        """End the watch at the end of the stream.

        Raises:
            KaikoError: an LLM's stream ended without its terminator, or in an error event.

        """
        for block, whole in self._buffer.close():
            self._take(block, whole=whole)
        if self._needs_end and not self._ended:
            raise self._make_error("unavailable", None, "the stream ended without its terminator")

    def _take(self, block: str, *, whole: bool) -> None:
        name, data = event_of(block)
        if not whole and not name and isinstance(data, str):
            # Its data is cut and not JSON, but its type is at the start.
            match = _TYPE.match(data)
            name = match[1] if match else name
        category = error_in_event(name, data)
        if category is not None:
            raise self._make_error(category, data, block)
        self._needs_end = self._needs_end or is_chunk(name, data)
        self._ended = self._ended or ends_stream(name, data)
        if data is not None and data != "[DONE]" and not is_prelude(data):
            self.content_seen = True
