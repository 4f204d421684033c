"""The head of an ASGI answer, told what is left of the limits."""

from __future__ import annotations

from functools import lru_cache
from math import ceil
from typing import TYPE_CHECKING

from kaiko_guards._standing import LIMIT_FIELDS, limit_headers

if TYPE_CHECKING:
    from kaiko_asgi import Message
    from kaiko_guards._standing import Standing

__all__ = ["with_limits"]

_REMAINING, _RESET = b"x-ratelimit-remaining", b"x-ratelimit-reset"
_RESETS = tuple((_RESET, b"%d" % seconds) for seconds in range(61))
_LENGTHS = frozenset(len(name) for name in LIMIT_FIELDS)


def with_limits(message: Message, found: Standing) -> Message:
    """Return the head of an ASGI answer with the fields that tell what is left."""
    limit, remaining, reset, policies = found
    seconds = ceil(reset)
    fields: list[tuple[bytes, bytes]] = message.get("headers", ())
    told: list[bytes] = []
    for name, _ in fields:
        if len(name) in _LENGTHS:
            told.append(name.lower())
    if told or policies:
        names = [name.decode("latin-1") for name in told]
        pairs = limit_headers(found, names)
        ours = [(name.lower().encode("ascii"), value.encode("ascii")) for name, value in pairs]
        return {**message, "headers": [*fields, *ours]}
    # The usual case, in a third of the time. A new list in a new message: a response object may be
    # sent twice.
    message = {**message}
    message["headers"] = [
        *fields,
        _limit_field(limit),
        (_REMAINING, b"%d" % remaining),
        _RESETS[seconds] if seconds < len(_RESETS) else (_RESET, b"%d" % seconds),
    ]
    return message


@lru_cache(maxsize=256)
def _limit_field(limit: int) -> tuple[bytes, bytes]:
    return b"x-ratelimit-limit", b"%d" % limit
