"""Reading parsed JSON of any shape.

Nothing here expects a shape: a list instead of an object counts as no object, and a token that is
not a string counts as no token.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from kaiko_middleware.json_values import items, members

if TYPE_CHECKING:
    from collections.abc import Iterable
    from collections.abc import Set as AbstractSet

    from kaiko_middleware.json_values import Members

_DEEP = 4  # levels of an error that are looked into for anything that is said
DETAILS = 32
"""Elements of a list of details that are read."""


def word(value: object) -> str:
    """Return `value` if it is a string, else an empty one."""
    return value if isinstance(value, str) else ""


def only(value: object) -> object:
    """Return the element of a list with one element; anything else unchanged."""
    listed = items(value)
    return listed[0] if len(listed) == 1 else value


def holders(body: object) -> list[Members]:
    """Return the objects that may contain tokens: a body, its `error`, and its `error.details`."""
    said = members(only(body))
    if not said:
        return []
    error = members(said.get("error"))
    if not error:
        return [said]
    details = error.get("details")
    if not details:
        return [said, error]
    listed = items(details)[:DETAILS] or (details,)
    return [said, error, *(held for each in listed if (held := members(each)))]


def texts(held: Iterable[Members], names: AbstractSet[str]) -> list[str]:
    """Return the strings under `names` of some objects; see `holders`."""
    return [
        value
        for holder in held
        for name in names & holder.keys()
        if isinstance(value := holder[name], str)
    ]


class Reading(NamedTuple):
    """What a body says, read once: the objects that may contain tokens, and the tokens."""

    held: list[Members]
    tokens: frozenset[str]


NOTHING = Reading([], frozenset())
TOKEN_MEMBERS = frozenset({"type", "code", "status", "reason", "error_code"})
"""The members that tokens are read from."""


def reading(data: object) -> Reading:
    """Read a body, or the part of it that has the error."""
    held = holders(data)
    return Reading(held, frozenset(texts(held, TOKEN_MEMBERS))) if held else NOTHING


def says_something(value: object, deep: int = _DEEP) -> bool:
    """Whether `value` is an object or a list with more than nulls, empty values and zeros.

    Also inside of its inner errors and details, a few levels down.
    """
    inside = members(value).values() or items(value)
    return any(_weighs(each, deep) for each in inside)


def _weighs(value: object, deep: int) -> bool:
    inside = members(value) or items(value)
    return says_something(inside, deep - 1) if deep and inside else bool(value)


def whole_number(value: object) -> int | None:
    """Return `value` if it is a number of three digits, or a string of them; else None."""
    if isinstance(value, str) and len(value) == 3 and value.isascii() and value.isdigit():
        return int(value)
    return value if isinstance(value, int) and 100 <= value <= 999 else None
