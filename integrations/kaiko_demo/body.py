"""Reading a request's body without taking more than the service wants.

Both frameworks hand over a body in pieces; adding the pieces up here means that a body
that is too large is refused before it is in memory, whether it declared its length or not.
"""

from __future__ import annotations

from kaiko_middleware import PayloadTooLargeError

__all__ = ["MAX_BODY", "Body"]

MAX_BODY = 16_384


class Body:
    """A body that is being read.

    Arguments:
        limit: How many bytes are too many, less one.
        declared: The value of `Content-Length`, if there was one.

    Raises:
        PayloadTooLargeError: 413 where what was declared is over the limit.
    """

    def __init__(self, limit: int, declared: str | None = None) -> None:
        self._limit = limit
        self._parts: list[bytes] = []
        self._size = 0
        if declared is not None and declared.isdecimal():
            self._check(int(declared))

    def add(self, part: bytes) -> None:
        """Take the next piece.

        Raises:
            PayloadTooLargeError: 413 where the body is over the limit now.
        """
        self._size += len(part)
        self._check(self._size)
        self._parts.append(part)

    def whole(self) -> bytes:
        """Everything that was added."""
        return b"".join(self._parts)

    def _check(self, size: int) -> None:
        if size > self._limit:
            raise PayloadTooLargeError(f"The request body is larger than {self._limit} bytes")
