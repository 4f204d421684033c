"""Checks of settings, for `Config` and for every other object that takes settings.

Each check raises one `ConfigError` with one line: the key, the value and what is allowed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import partial
from types import MethodType
from typing import Any, NoReturn, cast

__all__ = [
    "ConfigError",
    "hooks_of",
    "is_async",
    "is_plain_callable",
    "path_prefixes",
    "refusal",
    "refuse",
    "shown",
]

# A query or fragment, a pattern, white space, control characters, an empty segment.
_NO_PREFIX = re.compile(r"[?#*\s\x00-\x1f\x7f-\x9f]|//")
_CO_ASYNC = 0x80 | 0x200  # inspect's flags of `async def`; importing inspect takes 10 ms
_WRAPPERS: tuple[type, ...] = (partial, MethodType)


class ConfigError(ValueError):
    """A setting is wrong; the one-line message names the key, the value and what is allowed."""


def shown(value: object) -> str:
    """Return `value` for a message: on one line, at most 80 characters, whatever its repr does."""
    try:
        text = ascii(value)
    except Exception:  # noqa: BLE001 - a hostile __repr__ may not hide which key is wrong
        return f"<{type(value).__name__}>"
    text = " ".join(text.splitlines())
    return text if len(text) <= 80 else f"{text[:77]}..."


def refusal(key: str, value: object, allowed: str) -> str:
    """Return the line that names the key, the value and what is allowed."""
    return f"{key}: {shown(value)} is not allowed; it must be {allowed}"


def refuse(key: str, value: object, allowed: str) -> NoReturn:
    """Raise the `ConfigError` with that line."""
    raise ConfigError(refusal(key, value, allowed))


def path_prefixes(key: str, value: object) -> tuple[str, ...]:
    """Return `value` as path prefixes without a trailing slash; raises `ConfigError`."""
    allowed = "a sequence of path prefixes, each starting with '/'"
    found: list[str] = []
    for prefix in _items(key, value, allowed):
        if not isinstance(prefix, str) or not prefix.startswith("/"):
            refuse(key, prefix, allowed)
        if _NO_PREFIX.search(prefix):
            refuse(key, prefix, "a plain path: no query, '#', '*', white space or empty segment")
        found.append(prefix.removesuffix("/") or "/")
    return tuple(found)


def _items(key: str, value: object, allowed: str) -> tuple[object, ...]:
    if isinstance(value, str | bytes) or not isinstance(value, Iterable):
        refuse(key, value, allowed)
    return tuple(cast("Iterable[object]", value))  # each is asked by the caller


def hooks_of(key: str, value: object, told: str) -> tuple[Callable[[Any], object], ...]:
    """Return `value` as hooks; an `async def` is none, since hooks are not awaited.

    Arguments:
        key: the setting, for the message.
        value: what was given.
        told: what the hooks are called with, for the message.

    Raises:
        ConfigError: it is no sequence, or one of it is no plain function.

    """
    allowed = f"a sequence of plain functions that take {told}"
    hooks = _items(key, value, allowed)
    for hook in hooks:
        if is_async(hook):
            refuse(key, hook, f"a def that takes {told}: an async def would not be awaited")
        if not callable(hook):
            refuse(key, hook, allowed)
    return cast("tuple[Callable[[Any], object], ...]", hooks)  # each was asked


def is_plain_callable(value: object) -> bool:
    """Whether `value` can be called, and is no `async def`, whose coroutine nobody would await."""
    return callable(value) and not is_async(value)


def is_async(value: object) -> bool:
    """Whether a call of `value` runs an `async def`, also behind partials and `__call__`."""
    function = _unwrapped(value)
    if not hasattr(function, "__code__"):
        function = _unwrapped(getattr(type(function), "__call__", None))  # noqa: B004 - a class's
    code = getattr(function, "__code__", None)
    return bool(getattr(code, "co_flags", 0) & _CO_ASYNC)


def _unwrapped(value: object) -> object:
    """Return what is called behind partials and bound methods."""
    while isinstance(value, _WRAPPERS):
        function: object = getattr(value, "__func__", None)
        value = getattr(value, "func", None) if function is None else function
    return value
