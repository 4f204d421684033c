"""What one middleware knows of heads: which it can send with one field more, without a closer look.

Applications have constants for most names and status lines, so each is checked once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kaiko_middleware.headers import is_field_name, is_field_value
from kaiko_middleware.layers import layers_of
from kaiko_middleware.response_head import stream_kind

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment

    from kaiko_middleware.pipeline import Pipeline

    Headers = list[tuple[str, str]]

__all__ = ["USUAL_TYPES", "KnownHeads", "answered_inside"]

_KEPT = 512
USUAL_TYPES = frozenset(
    {
        "application/json",
        "text/html; charset=utf-8",
        "text/plain; charset=utf-8",
    }
)
"""Nearly every answer has one of these. None is a stream's that an envelope can end."""


class KnownHeads:
    """What one middleware knows, for all of its responses.

    Arguments:
        pipeline: the settings.

    """

    __slots__ = ("_lines", "_names", "id_header", "pipeline")

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline: Pipeline = pipeline
        self.id_header: str = pipeline.id_header
        # Whether a status line is that of a success.
        self._lines: dict[str, bool] = {}
        # Whether a field needs no look at its name; None: it is the content's type.
        self._names: dict[str, bool | None] = {}

    def plain_fields(self, status: str, headers: Headers, request_id: str) -> Headers | None:
        """Return the fields of a success to send, the id's among them.

        `None` where the head needs a closer look: it is no success, it is that of a stream that an
        envelope can end, or no server would send it.
        """
        try:
            if not self._lines[status]:
                return None
            names = self._names
            for name, value in headers:
                known = names[name]
                # Past the pattern of what servers take, which costs more.
                if not (
                    value in USUAL_TYPES
                    if known is None
                    else known and value.isascii() and value.isprintable()
                ):
                    return self._looked_at(headers, request_id)
        except KeyError:
            self._learn(status, headers)
            return self._looked_at(headers, request_id) if _is_success(status) else None
        return [*headers, (self.id_header, request_id)]

    def with_id(self, headers: Headers, request_id: str) -> Headers:
        """Return the fields with the id's in place of the application's own."""
        key = self.pipeline.id_key
        kept = (pair for pair in headers if pair[0].lower() != key)
        return [*kept, (self.id_header, request_id)]

    def _looked_at(self, headers: Headers, request_id: str) -> Headers | None:
        """Do what `plain_fields` does for the head of a success, looking at all of it."""
        for name, value in headers:
            if not is_field_name(name) or not is_field_value(value):
                return None
        return None if stream_kind(headers) is not None else self.with_id(headers, request_id)

    def _learn(self, status: str, headers: Headers) -> None:
        if len(self._lines) < _KEPT:
            self._lines[status] = _is_success(status)
        for name, _ in headers:
            if len(self._names) < _KEPT and name not in self._names:
                key = name.lower()
                needs_no_look = is_field_name(name) and key != self.pipeline.id_key
                self._names[name] = None if key == "content-type" else needs_no_look


def answered_inside(
    environ: WSGIEnvironment, request_id: str, status: str, headers: Headers
) -> bool:
    """Whether a head is that of the error answer that an inner layer made and reported."""
    layers = layers_of(environ, request_id)
    reply = layers.reply
    if reply is None or layers.error is not None or status[:3] != str(reply.status):
        return False
    sent = reply.headers if layers.sent is None else layers.sent  # Django's layer leaves it
    return tuple(headers) == sent


def _is_success(status: str) -> bool:
    return status[:1] in {"2", "3"} and is_field_value(status)
