"""Looking into parsed JSON that may be anything: objects, and what is read from them.

Nothing here trusts a shape: a list where an object is due is simply no object, and a
token that is no string is no token.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
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


def holders(body: object) -> Iterator[Members]:
    """Yield the objects that may carry tokens: a body, its `error`, the `details` of that."""
    said = members(only(body))
    if said is None:
        return
    yield said
    error = members(said.get("error"))
    if error is None:
        return
    yield error
    details = error.get("details")
    for item in items(details)[:DETAILS] or (details,):
        held = members(item)
        if held is not None:
            yield held


def texts(body: object, names: Iterable[str]) -> Iterator[str]:
    """Yield the strings under `names` of a body, of its `error` and of `error.details`."""
    for holder in holders(body):
        for name in names:
            value = holder.get(name)
            if isinstance(value, str):
                yield value


def whole_number(value: object) -> int | None:
    """Return `value` where it is a number of three digits, or a string of them; else None."""
    if isinstance(value, str) and len(value) == 3 and value.isascii() and value.isdigit():
        return int(value)
    return value if isinstance(value, int) and 100 <= value <= 999 else None
