"""The codes that a process defines: one entry for each error class with a fixed code.

`KaikoError` enters a class when it is defined. The catalogue lists the entries, and a client
finds here the class that a peer's answer was rendered from.
"""

from __future__ import annotations

from typing import NamedTuple, TypeVar

__all__ = ["RegisteredCode", "find_class", "register_class", "registered_codes"]

_E = TypeVar("_E", bound=Exception)


class RegisteredCode(NamedTuple):
    """An error class with a fixed code, as it was when it was defined.

    `description` is the first line of its docstring, empty where it has none.
    """

    cls: type[Exception]
    code: str
    status: int
    retryable: bool
    description: str


_registered: dict[tuple[str, int], RegisteredCode] = {}


def register_class(entry: RegisteredCode) -> None:
    """Enter a class; a later one with the same code and status takes its place."""
    _registered[entry.code, entry.status] = entry


def find_class(code: str, status: int, base: type[_E]) -> type[_E] | None:
    """Return the subclass of `base` that this process defines for a code, or None."""
    entry = _registered.get((code, status))
    return entry.cls if entry is not None and issubclass(entry.cls, base) else None


def registered_codes() -> tuple[RegisteredCode, ...]:
    """Return all entries, in the order of their definition."""
    return tuple(_registered.values())
