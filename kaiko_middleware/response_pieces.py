"""What a driver does with a response: the pieces it sends, and what it does about a failure."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Chunk", "Failed", "Head", "Piece"]


class Head(NamedTuple):
    """Send this status line and header section.

    `original` says that it is the application's own, to which only the id is added.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    original: bool


class Chunk(NamedTuple):
    """Send this part of the body; `more` says whether another one follows."""

    body: bytes
    more: bool


Piece = Head | Chunk


class Failed(NamedTuple):
    """What to do about an exception: send `pieces`, then raise it again if `hand_on`.

    `unmapped` says that it was answered without a mapping.
    """

    pieces: list[Piece]
    hand_on: bool
    unmapped: bool = False
