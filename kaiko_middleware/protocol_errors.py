"""Error answers of other protocols: their clients need them as they are.

An OAuth client branches on `invalid_grant`, an agent on the code of a JSON-RPC error. An envelope
in place of such an answer breaks them. `protocol_of` tells whose an error answer is, by the table
of `known_protocols`. Implements "Another protocol's error stays that protocol's" of section 8 of
the V2 contract.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, NoReturn

from .content_coding import BODY_LIMIT
from .known_protocols import PROTOCOLS_IN_JSON, Exchange, protocol_of_xml

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["may_be_one", "protocol_of"]

_BEFORE = " \t\r\n" + b"\xef\xbb\xbf".decode("latin-1")
_FIRST = frozenset(f"{{[<{_BEFORE}".encode("latin-1"))
_TOKENS = tuple((row.token, row) for row in PROTOCOLS_IN_JSON)
_NOT_READ = object()
_REMEMBERED = 1024


def protocol_of(exchange: Exchange, body: bytes) -> str | None:
    """Return the protocol whose error answer this is beyond doubt; None for any other answer.

    Arguments:
        exchange: what is known besides the body.
        body: the body, its content codings undone.

    """
    status = exchange.status
    if not body or len(body) > BODY_LIMIT or not 400 <= status <= 599:
        return None
    if exchange.method == "HEAD":
        return None  # nobody sees the body
    # What is looked for is ASCII, and a text is searched ten times as fast as bytes.
    text = body.decode("latin-1").lstrip(_BEFORE)
    first = text[:1]
    if first == "<":
        return protocol_of_xml(text, status)
    if first not in {"{", "["}:
        return None
    data: object = _NOT_READ
    for token, row in _TOKENS:
        if token in text and (status < 500 or row.also_5xx) and row.fits(exchange, text):
            if data is _NOT_READ:
                data = _read_once(body) if len(body) <= _REMEMBERED else _read(body)
            if row.matches(data, exchange):
                return row.protocol
    return None


def may_be_one(start: bytes | bytearray) -> bool:
    """Whether a body that begins so may be another protocol's error."""
    return not start or start[0] in _FIRST


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        msg = "a member is repeated"
        raise ValueError(msg)
    return members


def _refuse(name: str) -> NoReturn:
    msg = f"{name} is no JSON"
    raise ValueError(msg)


_decoder = json.JSONDecoder(object_pairs_hook=_once, parse_constant=_refuse)
_decode: Callable[[str], object] = _decoder.decode


def _read(body: bytes) -> object:
    """Return the value of a body, or None where not every reader takes it for the same."""
    try:
        return _decode(body.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return None


# A service gives the same few error answers: each is read once.
_read_once = lru_cache(maxsize=256)(_read)
