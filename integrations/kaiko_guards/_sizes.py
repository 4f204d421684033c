"""Body sizes: what is refused before it is read, and what while it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kaiko_guards._paths import ByPath
from kaiko_middleware import PayloadTooLargeError
from kaiko_middleware.settings_check import refuse

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["BodyLimit", "Tally", "check_length"]


_DIGITS = 18


class BodyLimit:
    """Refuses bodies that are too large: 413 `payload_too_large`.

    `Content-Length` is looked at first; a chunked body is counted as it is read. What is counted
    are the octets that arrive, before any decompression, and none of them is kept.

    Arguments:
        max_bytes: octets of the largest body.
        paths: other limits for path prefixes, by whole segments; the longest prefix counts.

    Raises:
        ConfigError: a value is not allowed.

    """

    def __init__(self, max_bytes: int, *, paths: Mapping[str, int] | None = None) -> None:
        given = dict(paths or {})
        for key, size in (("max_bytes", max_bytes), *given.items()):
            if type(size) is not int or size < 0:
                refuse(key, size, "octets, an int from 0")
        self.max_bytes: int = max_bytes
        self._by_path = ByPath("paths", given)

    def for_path(self, path: str) -> int:
        """Return the limit for a path, in octets."""
        return self._by_path.get(path, self.max_bytes) if self._by_path.pairs else self.max_bytes


def check_length(length: bytes, max_bytes: int) -> None:
    """Look at `Content-Length`; one that is no number is the server's to refuse.

    Raises:
        PayloadTooLargeError: it says more than is allowed.

    """
    if not (length.isdigit() and len(length) <= _DIGITS and int(length) <= max_bytes):
        Tally(max_bytes).announce(length.decode("latin-1"))


class Tally:
    """Counts one body.

    Arguments:
        max_bytes: octets of the largest body.

    """

    __slots__ = ("left",)

    def __init__(self, max_bytes: int) -> None:
        self.left: int = max_bytes

    def announce(self, content_length: str | None) -> None:
        """Look at `Content-Length`; one that is no number is the server's to refuse.

        Raises:
            PayloadTooLargeError: it says more than is allowed.

        """
        if content_length is None:
            return
        digits = content_length.strip()
        if digits.isascii() and digits.isdigit():
            significant = digits.lstrip("0") or "0"
            if len(significant) > _DIGITS or int(significant) > self.left:
                raise PayloadTooLargeError

    def add(self, octets: int) -> None:
        """Count what has arrived.

        Raises:
            PayloadTooLargeError: it is more than is allowed.

        """
        self.left -= octets
        if self.left < 0:
            raise PayloadTooLargeError
