"""Request ids: made before anything else runs, carried by a context variable.

An id is `req-` and ten lowercase hex digits of the operating system's randomness
(`Config.request_id_digits` asks for more: 40 bits give even odds of one pair after about
1.2 million ids, 128 bits after about 2 * 10**19). They are drawn from a pool that is
refilled 256 at a time and emptied in a forked child, so that an id costs a `list.pop`.
Implements section 5 of the V2 contract.
"""

from __future__ import annotations

import os
import re
from contextvars import ContextVar
from functools import wraps
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from ._text import redact

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence
    from contextvars import Token

__all__ = [
    "RequestIdPool",
    "accept_request_id",
    "bind_request_id",
    "current_request_id",
    "inbound_request_id",
    "is_request_id",
    "reset_request_id",
    "restore_request_id",
    "set_request_id",
]

_P = ParamSpec("_P")
_R = TypeVar("_R")

_BATCH = 256
_LONGEST = 128
# Puts an "a" in place of each byte that no id has: a quarter of what a regex costs.
_ALPHABET = bytes(
    byte if re.fullmatch(r"[A-Za-z0-9._:/+=-]", chr(byte)) else ord("a") for byte in range(256)
)
# Likewise a "k", which all keys have and hexadecimal ids lack.
_UNSUSPICIOUS = _ALPHABET.replace(b"k", b"a")
_current: ContextVar[str | None] = ContextVar("kaiko_request_id", default=None)
_pools: dict[int, list[str]] = {}

current_request_id: Callable[[], str | None] = _current.get
set_request_id: Callable[[str | None], Token[str | None]] = _current.set
restore_request_id: Callable[[Token[str | None]], None] = _current.reset
"""The bare reset: the fastest way, raising ValueError in another context."""


def _forget_pools() -> None:
    for pool in _pools.values():
        pool.clear()


if hasattr(os, "register_at_fork"):  # pragma: no branch - Windows has no fork
    os.register_at_fork(after_in_child=_forget_pools)


class RequestIdPool:
    """A source of fresh request ids: `pool()` returns one.

    Arguments:
        digits: hex digits after `req-`, 10 to 32.

    """

    __slots__ = ("_digits", "_ids", "pop")

    def __init__(self, digits: int = 10) -> None:
        self._digits = digits
        self._ids = _pools.setdefault(digits, [])
        self.pop: Callable[[], str] = self._ids.pop
        """The pool's bare `list.pop`: the fastest way, raising IndexError when it is empty."""

    def __call__(self) -> str:
        """Return a fresh id."""
        try:
            return self.pop()
        except IndexError:
            return self.refill()

    def refill(self) -> str:
        """Put 255 new ids into the pool and return one more."""
        width = (self._digits + 1) // 2
        digits = os.urandom(width * _BATCH).hex(" ", width)
        if self._digits % 2:
            fresh = [f"req-{run[1:]}" for run in digits.split()]
        else:
            fresh = ("req-" + digits.replace(" ", " req-")).split(" ")
        first = fresh.pop()
        self._ids += fresh
        return first


def current_request_id_or(default: str) -> str:
    """Return the id of the request being handled, or `default` outside of one."""
    return _current.get() or default


def reset_request_id(token: Token[str | None]) -> None:
    """Put back the id that was current before the `set_request_id` that gave `token`.

    Where that happens in another context (a coroutine that the garbage collector closes,
    a response closed by another thread) there is nothing to put back, and nothing is done.
    """
    try:
        _current.reset(token)
    except ValueError:
        pass


def is_request_id(text: object) -> bool:
    """Whether `text` is an acceptable request id: 1 to 128 of `[A-Za-z0-9._:/+=-]`."""
    return (
        isinstance(text, str)
        and len(text) <= _LONGEST
        and text.isascii()
        and _is_acceptable(text.encode())
    )


def _is_acceptable(text: bytes) -> bool:
    return text.translate(_ALPHABET) == text != b""


def accept_request_id(values: Sequence[str]) -> str | None:
    """Return the one acceptable id among the inbound header's values, else None.

    More than one value is no value, and what looks like a key is none (section 5).
    """
    if len(values) == 1 and is_request_id(values[0]) and not _is_key(values[0]):
        return values[0]
    return None


def inbound_request_id(
    fields: Iterable[tuple[bytes, bytes]], names: Collection[bytes]
) -> str | None:
    """Return the id in a request's header fields; None if it is absent or not acceptable.

    For drivers that are given bytes: a third of the cost of `accept_request_id`.

    Arguments:
        fields: the request's header fields, with lower-case names.
        names: the id header's name alone; a frozen set is searched the fastest.

    """
    value: bytes | None = None
    for name, given in fields:
        if name in names:
            if value is not None:
                return None  # more than one value is no value
            value = given
    if value is None:
        return None
    # The very same object, where nothing had to be put in place of anything.
    if value.translate(_UNSUSPICIOUS) is value and 0 < len(value) <= _LONGEST:
        return value.decode()
    return accept_request_id((value.decode("latin-1"),))


def _is_key(text: str) -> bool:
    return redact(text) != text


def bind_request_id(fn: Callable[_P, _R]) -> Callable[_P, _R]:
    """Return `fn` bound to the current request id, for a bare thread or an executor.

    `asyncio.to_thread`, anyio and asgiref carry the id along by themselves; a
    `threading.Thread` or a `concurrent.futures` executor does not:

    >>> from kaiko_middleware import bind_request_id, current_request_id
    >>> job = bind_request_id(current_request_id)  # bound to the id of this moment
    >>> job() is None  # outside of any request
    True
    """
    bound = _current.get()

    @wraps(fn)
    def call(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        token = _current.set(bound)
        try:
            return fn(*args, **kwargs)
        finally:
            _current.reset(token)

    return call
