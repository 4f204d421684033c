"""What one middleware knows, for all of its responses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kaiko_asgi.known_answers import KnownAnswers
from kaiko_middleware.headers import is_field_name, is_field_value

if TYPE_CHECKING:
    from kaiko_asgi._types import Message
    from kaiko_asgi.cors import CorsHeaders
    from kaiko_middleware.pipeline import Pipeline

__all__ = ["USUAL_TYPES", "Knowledge"]

_NAMES_KEPT = 512
JSON = b"application/json"
USUAL_TYPES: tuple[bytes, ...] = (
    JSON,
    b"text/html; charset=utf-8",
    b"text/plain; charset=utf-8",
)
"""Nearly every answer has one of these, which need no look.

A short tuple is searched in half the time of a set, for which a new value has to be hashed."""
# Puts another byte in place of those that no value may have. Where there is none,
# `translate` returns the very object it was given, or else an equal one.
_VALUE = bytes(byte if is_field_value(chr(byte)) else 32 for byte in range(256))


class Knowledge:
    """What one middleware knows, for all of its responses.

    Arguments:
        pipeline: the core's steps.
        cors: the CORS middleware inside.

    """

    __slots__ = ("answers", "cors", "header", "length_name", "names", "pipeline")

    def __init__(self, pipeline: Pipeline, cors: CorsHeaders) -> None:
        self.pipeline: Pipeline = pipeline
        self.cors: CorsHeaders = cors
        self.header: bytes = pipeline.config.request_id_header.lower().encode("ascii")
        self.answers: KnownAnswers = KnownAnswers(pipeline)
        # The names that were found to be names; None: a length; False: to be replaced.
        self.names: dict[bytes, bool | None] = {self.header: False}
        self.length_name: bytes = b""
        """The `Content-Length` that was seen last: frameworks have a constant."""

    def is_length(self, name: bytes) -> bool:
        """Whether a name is that of a length, which is kept to be known as the very object."""
        if name == b"content-length":
            self.length_name = name
            return True
        return False

    def length_of(self, message: Message) -> bytes | None:
        """Return the `Content-Length` of a success whose head can go to the server.

        None where the head needs a closer look: it has no length, an id of its own, or what no
        server takes.

        Raises:
            KeyError: it is no head, or a name was not seen yet.
            TypeError: its headers are no pairs of bytes.

        """
        headers: list[tuple[bytes, bytes]] = message["headers"]
        if not 200 <= message["status"] < 400 or type(headers) is not list:
            return None
        length, names = None, self.names
        for name, value in headers:
            kind = names[name]
            if kind is None:
                if not value.isdigit():
                    return None
                length = value
            elif kind is False or (
                value not in USUAL_TYPES and value.translate(_VALUE) is not value
            ):
                return None
        return length

    def learn(self, message: Message) -> None:
        """Look at the names of a head that has one that was not seen yet.

        Frameworks have constants for most: the very object is found again the fastest.
        """
        headers: list[tuple[object, object]] = message.get("headers", [])
        # What is no list may be one that can be looked at only once.
        for name, _ in headers if type(headers) is list else ():
            if (
                isinstance(name, bytes)
                and name not in self.names
                and len(self.names) < _NAMES_KEPT
                and is_field_name(name.decode("latin-1"))
            ):
                lowered = name.lower()
                self.names[name] = None if lowered == b"content-length" else lowered != self.header
