"""What a stream has shown so far: content, an error, its end.

The events may come one by one, or all be there: a stream is judged alike in both cases. What turns
out to be no event stream (bare JSON, also between and after events, JSON lines, HTML, nothing) is
judged as a body of that kind. Implements the streams of section 10 of the V2 contract.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kaiko_middleware.content_coding import BODY_LIMIT

from ._body import parse
from ._classify import Found, error_in_event
from ._llm import ends_stream, is_chunk, is_prelude

if TYPE_CHECKING:
    from ._events import Event

_TRIES = 8  # times that lines between events are tried as one value: each takes time


class Progress:
    """The state of one stream.

    Arguments:
        llm: whether it is an LLM provider's, where more counts as an error.
        partial: whether only a part of it is there; then nothing is missing.

    """

    __slots__ = (
        "_ended",
        "_llm",
        "_lost",
        "_needs_end",
        "_some",
        "_stray",
        "_stray_size",
        "_tries",
        "content_seen",
    )

    def __init__(self, *, llm: bool, partial: bool = False) -> None:
        self._llm = llm
        self._needs_end = self._ended = self._some = partial
        self._stray: list[str] = []
        self._stray_size = 0
        self._lost = False  # whether not all of the stray lines are kept
        self._tries = _TRIES
        self.content_seen = False

    def take(self, event: Event) -> Found | None:
        """Read the next event; return the error that it is, if it is one."""
        found = self._take_stray(event) if event.stray else None
        return found or self._take(event.name, event.data)

    def _take(self, name: str, data: object) -> Found | None:
        found = error_in_event(name, data, llm=self._llm)
        if found is not None:
            return found
        if data is None:
            return None
        self._some = True
        self._needs_end = self._needs_end or is_chunk(name, data)
        self._ended = self._ended or ends_stream(name, data)
        if data != "[DONE]" and not is_prelude(name, data):
            self.content_seen = True
        return None

    def _take_stray(self, event: Event) -> Found | None:
        """Read lines that are no event's: JSON, or lines of JSON; else keep them."""
        stray = event.stray
        if event.whole and stray[0] in "[{":
            found, is_json = self._take_json(stray)
            if is_json:
                return found
        self._lost = self._lost or not event.whole or self._stray_size > BODY_LIMIT
        if not self._lost:
            self._stray.append(stray)
            self._stray_size += len(stray)
        if stray in {"}", "]"} and self._tries:
            self._tries -= 1
            return self._take_kept()
        return None

    def _take_kept(self) -> Found | None:
        text = "\n".join(self._stray)
        found, is_json = self._take_json(text)
        if is_json:
            self._stray.clear()
            self._stray_size, self._tries = 0, _TRIES
        return found and found._replace(text=text)

    def _take_json(self, text: str) -> tuple[Found | None, bool]:
        """Read JSON, or lines of JSON; return the error in it, and whether it is JSON at all."""
        data, is_json = parse(text)
        if is_json:
            return self._take("", data), True
        lines = [parse(line) for line in text.split("\n") if line.strip()]
        if len(lines) < 2 or not all(is_json for _, is_json in lines):
            return None, False
        each = (self._take("", data) for data, _ in lines)
        return next((found for found in each if found is not None), None), True

    def end(self) -> Found | None:
        """Return the error that the end of the stream shows, if it shows one."""
        found = self._take_kept() if self._stray else None
        if found is not None:
            return found
        rest = "\n".join(self._stray)
        if self._lost and rest.lstrip()[:1] != "<":
            self._some = True  # too large to check: counts as a success unless it is markup
        if not self._some:
            return Found("broken", None, rest or "the stream had no events")
        if self._needs_end and not self._ended:
            return Found("unavailable", None, "the stream ended without its terminator")
        return None
