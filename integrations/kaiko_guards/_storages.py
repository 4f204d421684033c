"""What a server that counts is asked, whatever its kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence

    from kaiko_guards._rates import Rate

__all__ = ["Batch", "Charge", "Read", "Storage", "Write"]


class Charge(NamedTuple):
    """What one key is charged: for each rate so many seconds; below 0 gives them back."""

    key: str
    rates: Sequence[Rate]
    seconds: Sequence[float]


class Batch:
    """Charges that are due, whatever the limits say.

    Arguments:
        charges: one for each key.
        writer: who sends it, unlike any other process; an empty text if it is sent once.
        number: how many batches this writer has sent before.

    """

    __slots__ = ("charges", "is_sent", "number", "writer")

    def __init__(self, charges: Sequence[Charge], writer: str, number: int) -> None:
        self.charges: Sequence[Charge] = charges
        self.writer: str = writer
        self.number: int = number
        self.is_sent: bool = False
        """Whether sending it once more could count it twice."""


class Read(NamedTuple):
    """Returns of each key that is there its value and what to swap it by."""

    keys: Sequence[str]


class Write(NamedTuple):
    """Returns whether each value was written: only where nothing came between."""

    values: Sequence[tuple[str, bytes, int, Any]]
    """Of each its key, the value, its time to live, and what it is swapped by."""


class Storage(Protocol):
    """A server that counts.

    Each method returns, for each charge, for each of its rates, in how many seconds the key's
    allowance is whole, and raises whatever its client raises.
    """

    def take(self, charges: Sequence[Charge]) -> list[list[float]]:
        """Charge all of the keys, or none where a rate refuses; tell what was before."""
        ...

    def take_async(
        self, charges: Sequence[Charge], loop: object
    ) -> Coroutine[Any, Any, list[list[float]]]:
        """Do the same without blocking the event loop, given that loop."""
        ...

    def settle(self, batch: Batch) -> list[list[float]]:
        """Charge all of the keys, once however often it is asked; tell what is afterwards."""
        ...

    async def settle_async(self, batch: Batch, loop: object) -> list[list[float]]:
        """Do the same without blocking the event loop, given that loop."""
        ...

    async def close(self, loop: object) -> None:
        """Close the connections of an event loop that ends, and those of threads."""
        ...
