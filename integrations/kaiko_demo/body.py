"""Reading a request's body up to a limit.

All frameworks deliver a body in pieces. The pieces are counted here, so a body that is too
large is refused before it is in memory, with or without a declared length.
"""

from __future__ import annotations

from kaiko_middleware import PayloadTooLargeError

__all__ = ["MAX_BODY", "Body"]

MAX_BODY = 16_384


class Body:
    """A body that is being read.

    Arguments:
        limit: The most bytes that it may have.
        declared: The value of `Content-Length`, if there is one.

    Raises:
        PayloadTooLargeError: 413 if the declared length is over the limit.
    """

    def __init__(self, limit: int, declared: str | None = None) -> None:
        self._limit = limit
        self._parts: list[bytes] = []
        self._size = 0
        if declared is not None and declared.isdecimal():
            self._check(int(declared))

    def add(self, part: bytes) -> None:
        """Add the next piece.

        Raises:
            PayloadTooLargeError: 413 if the body is now over the limit.
        """
        self._size += len(part)
        self._check(self._size)
        self._parts.append(part)

    def whole(self) -> bytes:
        """Return everything that was added."""
        return b"".join(self._parts)

    def _check(self, size: int) -> None:
        if size > self._limit:
            raise PayloadTooLargeError(f"The request body is larger than {self._limit} bytes")
