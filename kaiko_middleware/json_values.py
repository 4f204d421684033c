"""Telling what a value of parsed JSON is.

To a type checker, `isinstance(value, dict)` leaves open what is inside. These functions also say
that an object's names are strings, and that anything may be in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeGuard

if TYPE_CHECKING:
    from typing import TypeAlias

    Members: TypeAlias = dict[str, object]

__all__ = ["is_json_list", "is_json_object", "items", "members"]


def is_json_object(value: object) -> TypeGuard[Members]:
    """Whether `value` is an object."""
    return isinstance(value, dict)


def is_json_list(value: object) -> TypeGuard[list[object]]:
    """Whether `value` is a list."""
    return isinstance(value, list)


def members(value: object) -> Members:
    """Return `value` if it is an object, else an empty one."""
    return value if is_json_object(value) else {}


def items(value: object) -> list[object]:
    """Return `value` if it is a list, else an empty one."""
    return value if is_json_list(value) else []
