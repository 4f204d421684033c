"""Looking into parsed JSON that may be anything: objects, and what is read from them.

Nothing here trusts a shape: a list where an object is due is simply no object, and a
token that is no string is no token.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TypeAlias

    Members: TypeAlias = dict[str, object]


DETAILS = 32
"""Elements of a list of details that are looked at."""


def members(value: object) -> Members | None:
    """Return `value` where it is an object, else None."""
    return cast("Members", value) if isinstance(value, dict) else None


def items(value: object) -> list[object]:
    """Return `value` where it is a list, else an empty one."""
    return cast("list[object]", value) if isinstance(value, list) else []


def only(value: object) -> object:
    """Return the element of a list of one; everything else as it is."""
    listed = items(value)
    return listed[0] if len(listed) == 1 else value


def holders(body: object) -> list[Members]:
    """Return the objects that may carry tokens: a body, its `error`, the `details` of that."""
    said = members(only(body))
    if said is None:
        return []
    error = members(said.get("error"))
    if error is None:
        return [said]
    details = error.get("details")
    listed = items(details)[:DETAILS] or (details,)
    return [said, error, *(held for held in map(members, listed) if held is not None)]


def texts(body: object, names: Iterable[str]) -> list[str]:
    """Return the strings under `names` of a body, of its `error` and of `error.details`."""
    return [
        value
        for holder in holders(body)
        for name in names
        if isinstance(value := holder.get(name), str)
    ]


def whole_number(value: object) -> int | None:
    """Return `value` where it is a number of three digits, or a string of them; else None."""
    if isinstance(value, str) and len(value) == 3 and value.isascii() and value.isdigit():
        return int(value)
    return value if isinstance(value, int) and 100 <= value <= 999 else None
