"""The codes that a process defines: one entry for each error class with a fixed code.

`KaikoError` enters a class when it is defined. One code has one meaning, so a second class with
the same code is refused. The catalogue lists the entries, and a client finds here the class that
a peer's answer was rendered from.
"""

from __future__ import annotations

import sys
from os.path import realpath
from typing import TYPE_CHECKING, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from types import FrameType

__all__ = ["RegisteredCode", "find_class", "register_class", "registered_codes"]

_E = TypeVar("_E", bound=Exception)
# CPython's, which `inspect` has under another name, and takes 10 ms to import.
_frame: Callable[[], FrameType | None] = getattr(sys, "_getframe", lambda: None)


class RegisteredCode(NamedTuple):
    """An error class with a fixed code, as it was when it was defined.

    `message` is what is sent by default; `resolution` is what a client does about it, or None where
    the status says it. `description` is the first line of the docstring, empty where there is none.
    """

    cls: type[Exception]
    code: str
    status: int
    retryable: bool
    message: object
    resolution: object
    description: str


# Each with the file that it was defined in. They are kept for good: which codes are free must not
# depend on when the garbage collector runs.
_registered: dict[str, tuple[RegisteredCode, str]] = {}


def register_class(entry: RegisteredCode, toolkit: Collection[int]) -> None:
    """Enter a class.

    The class may have been defined before, with the same qualified name in the same file: a module
    is reloaded, or is imported under two names. The new one then takes its place.

    Arguments:
        entry: the class and its code.
        toolkit: the statuses that the toolkit itself gives this code, if it does.

    Raises:
        TypeError: another class has the code, or the toolkit gives it another status.

    """
    cls, code, status, *_ = entry
    if toolkit and status not in toolkit:
        theirs = ", ".join(map(str, sorted(toolkit)))
        msg = (
            f"{_path_of(cls)}: code {code!r} with status {status} is taken:"
            f" kaiko_middleware's {code!r} has status {theirs}"
        )
        raise TypeError(msg)
    source = _source_of(cls)
    if code in _registered:
        other, other_source = _registered[code]
        if cls.__qualname__ != other.cls.__qualname__ or (
            source != other_source and realpath(source) != realpath(other_source)
        ):
            msg = f"{_path_of(cls)}: code {code!r} is taken: it is {_path_of(other.cls)}'s"
            raise TypeError(msg)
    _registered[code] = entry, source


def find_class(code: str, status: int, base: type[_E]) -> type[_E] | None:
    """Return the subclass of `base` that this process defines for a code, or None."""
    if code not in _registered:
        return None
    entry, _ = _registered[code]
    return entry.cls if entry.status == status and issubclass(entry.cls, base) else None


def registered_codes() -> tuple[RegisteredCode, ...]:
    """Return all entries, in the order of their definition."""
    return tuple(entry for entry, _ in _registered.values())


def _path_of(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"


def _source_of(cls: type) -> str:
    """Return the file of the code that defines `cls` right now; without one, its module's name."""
    # Not from `sys.modules`: a module that is run by its path need not be there.
    name = cls.__module__
    frame = _frame()
    while frame is not None and frame.f_globals.get("__name__") != name:
        frame = frame.f_back
    return name if frame is None else str(frame.f_globals.get("__file__") or name)
