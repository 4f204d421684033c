"""The values of a typed error, checked where they are given: in its class or where it is raised.

A value of a wrong type is a `TypeError` with one line: the name, the value and what is allowed.
Implements sections 2 and 4 of the V2 contract.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, NoReturn, TypeAlias, cast

from ._text import MESSAGE_LIMIT, is_code, is_param
from .catalog import STATUSES
from .settings_check import refusal, shown

__all__ = [
    "LIMITS",
    "WAIT",
    "Check",
    "Headers",
    "checked_class",
    "count",
    "flag",
    "header_pairs",
    "invalid_code",
    "refuse_code",
    "seconds",
    "text_of",
    "whole_seconds",
]

Headers: TypeAlias = Mapping[str, str] | Iterable[tuple[str, str]]
"""Header fields, as a mapping or as pairs."""
Check: TypeAlias = Callable[[str, object], object]
"""Returns a value, given its name, or raises `TypeError`."""

_LONGEST = 2**31 - 1  # seconds, 68 years: what any client can hold
_FIELDS = "a mapping or pairs of header names and values, all of them texts"
_NUMBERS = (int, float)
_CODE = "a text that matches [a-z][a-z0-9_]{0,63}"


def _refuse(name: str, value: object, allowed: str) -> NoReturn:
    raise TypeError(refusal(name, value, allowed))


def flag(name: str, value: object) -> bool:
    """Return `value` if it is True or False."""
    if value is True or value is False:
        return value
    _refuse(name, value, "True or False")


def seconds(name: str, value: object) -> float:
    """Return `value` if it is an int or a float, whatever number it is."""
    if type(value) is int or (isinstance(value, _NUMBERS) and not isinstance(value, bool)):
        return value
    _refuse(name, value, "a number of seconds, an int or a float")


def count(name: str, value: object) -> int:
    """Return `value` if it is an int, whatever number it is."""
    if type(value) is int or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    _refuse(name, value, "a whole number, an int")


def header_pairs(name: str, value: object) -> tuple[tuple[str, str], ...]:
    """Return header fields as pairs of texts; whether they can be sent is seen when they are."""
    if isinstance(value, Mapping):
        value = cast("Mapping[object, object]", value).items()  # of anything
    if isinstance(value, str) or not isinstance(value, Iterable):
        _refuse(name, value, _FIELDS)
    found: list[tuple[str, str]] = []
    for pair in cast("Iterable[object]", value):  # each is asked
        match pair:
            case (str(field), str(text)):
                found.append((field, text))
            case _:
                _refuse(name, pair, _FIELDS)
    return tuple(found)


def text_of(message: object, status: int) -> str:
    """Return `str(message)`, such as that of a lazy translation.

    A descriptor, with which a class computes its own messages, gives the status's.
    """
    return STATUSES[status].message if _is_descriptor(message) else str(message)


def _is_descriptor(value: object) -> bool:
    kind: type = type(value)
    return hasattr(kind, "__set__")


def refuse_code(value: object, name: str = "code") -> NoReturn:
    """Raise the error for what is no code: a `TypeError` for its type, else a `ValueError`."""
    if not isinstance(value, str):
        _refuse(name, value, _CODE)
    msg = f"{name} {shown(value)} does not match [a-z][a-z0-9_]{{0,63}}"
    raise ValueError(msg)


def _class_code(name: str, value: object) -> str:
    if is_code(value):
        return cast("str", value)  # nothing else passes
    msg = f"{name} {shown(value)} does not match [a-z][a-z0-9_]{{0,63}}"
    raise TypeError(msg)


def _class_status(name: str, value: object) -> int:
    entry = STATUSES.get(value) if isinstance(value, int) else None
    if entry is None or entry.status != value:
        msg = f"{name} {shown(value)} is none that the contract answers with"
        raise TypeError(msg)
    return entry.status


def _class_param(name: str, value: object) -> str:
    if is_param(value):
        return cast("str", value)  # nothing else passes
    _refuse(name, value, "a text of 1 to 256 characters, none of them a control character")


def _class_text(name: str, value: object) -> object:
    """Return `value` if it is a text that is not blank, or makes one later: a lazy translation."""
    if not isinstance(value, str):
        # Only what has a `__str__` of its own means to be read.
        if type(value).__str__ is object.__str__ or isinstance(value, bytes | bytearray):
            _refuse(name, value, "a text")
    elif not value.strip():
        _refuse(name, value, "a text that is not blank")
    elif len(value) > MESSAGE_LIMIT:
        _refuse(name, value, "a text of at most 1,024 characters")
    return value


WAIT: Mapping[str, Check] = MappingProxyType({"retry_after": seconds})
"""The checks of the numbers that every error class may set."""
LIMITS: Mapping[str, Check] = MappingProxyType(
    {**WAIT, "limit": count, "remaining": count, "reset": seconds}
)
"""The checks of those that a `RateLimitError` may set."""
_OF_CLASSES: Mapping[str, Check] = MappingProxyType(
    {
        "code": _class_code,
        "status": _class_status,
        "param": _class_param,
        "message": _class_text,
        "resolution": _class_text,
        "retryable": flag,
        "headers": header_pairs,
    }
)
_NONE_BY_DEFAULT = frozenset({"param", "resolution", *LIMITS})


def checked_class(
    cls: type, numbers: Mapping[str, Check], keywords: Mapping[str, object]
) -> dict[str, Any]:
    """Return what a class statement gives, by keyword or in its body, each value checked.

    Arguments:
        cls: the class.
        numbers: the checks of the numbers that it may set.
        keywords: the keywords of the statement; None is one that was left out.

    Raises:
        TypeError: a value is of a wrong type, or is none that the contract allows.

    """
    said: dict[str, Any] = {}
    body = cls.__dict__
    for name, check in (*_OF_CLASSES.items(), *numbers.items()):
        value = keywords.get(name)
        if value is None:
            if name not in body:
                continue
            value = body[name]
            # A descriptor computes its value for each error.
            if _is_descriptor(value) or (value is None and name in _NONE_BY_DEFAULT):
                continue
        try:
            said[name] = check(name, value)
        except TypeError as exc:
            msg = f"{cls.__name__}: {exc}"
            raise TypeError(msg) from None
    return said


def invalid_code(param: str | None) -> str:
    """Return `invalid_<leaf>` for the path `param`, or `invalid_value` where it has no fit leaf."""
    if param:
        leaf = param.rpartition(".")[2].partition("[")[0]
        code = f"invalid_{leaf}"
        if leaf and is_code(code):
            return code
    return "invalid_value"


def whole_seconds(value: object) -> str | None:
    """Return `value` seconds rounded up as a header value; None where it says nothing."""
    if isinstance(value, int | float) and 0 <= value < math.inf:
        return str(math.ceil(min(value, _LONGEST)))
    return None
