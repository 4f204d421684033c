"""What programs raise, and what may be seen of it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from fuzz.programs import KEY, SECRET
from kaiko_middleware import KaikoError, NotFoundError, ServiceUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable


class Unprintable(Exception):
    """Has no text."""

    def __str__(self) -> str:
        raise ValueError(SECRET)

    __repr__ = __str__


def _cycle() -> Exception:
    first, second = RuntimeError(SECRET), ValueError(SECRET)
    first.__context__, second.__context__ = second, first
    return first


def _noted() -> Exception:
    exc = LookupError(SECRET)
    exc.add_note(f"a note with {KEY}")
    exc.__cause__ = KeyError(KEY)
    return exc


MAKERS: dict[str, Callable[[], BaseException]] = {
    "bug": lambda: RuntimeError(SECRET),
    "key": lambda: RuntimeError(f"{SECRET} {KEY}\r\nsecond line"),
    "typed": lambda: NotFoundError(f"No {KEY}"),
    "typed_5xx": lambda: ServiceUnavailableError(retry_after=3),
    "typed_odd": lambda: NotFoundError("\x00" * 3000, param="\ud800\x00" * 300),
    "unprintable": Unprintable,
    "group": lambda: ExceptionGroup(SECRET, [RuntimeError(SECRET), NotFoundError()]),
    "typed_group": lambda: ExceptionGroup(SECRET, [NotFoundError("No such thing")]),
    "cycle": _cycle,
    "noted": _noted,
    "reset": lambda: ConnectionResetError(SECRET),
    "cancelled": asyncio.CancelledError,
    "exit": lambda: SystemExit(3),
    "caught": lambda: RuntimeError(SECRET),
}
# Exceptions that have no mapping, so that they reach the server.
UNMAPPED = frozenset({"bug", "key", "unprintable", "group", "cycle", "noted"})
MAPPED = frozenset({"typed", "typed_5xx", "typed_odd", "typed_group"})


def make(name: str) -> BaseException:
    """Return a new exception of the kind `name`, which knows its kind."""
    exc = MAKERS[name]()
    exc.__dict__["kind"] = name
    return exc


def kind_of(exc: BaseException | None) -> str | None:
    """Return the kind of an exception, or of what it was made of."""
    seen: set[int] = set()
    while exc is not None and id(exc) not in seen:
        kind = vars(exc).get("kind")
        if isinstance(kind, str):
            return kind
        seen.add(id(exc))
        exc = exc.__cause__
    return None


def is_typed(exc: BaseException | None) -> bool:
    """Whether it is an error of the toolkit's."""
    return isinstance(exc, KaikoError)
