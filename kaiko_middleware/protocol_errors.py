"""Error answers of other protocols: their clients need them as they are.

An OAuth client branches on `invalid_grant`, an agent on the code of a JSON-RPC error. An envelope
in place of such an answer breaks them. `protocol_of` tells whose an error answer is, by the table
of `known_protocols`; `kept_answer` is what is sent then. Implements "Another protocol's error stays
that protocol's" of section 8 of the V2 contract.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, NoReturn, cast

from ._text import redact
from .content_coding import BODY_LIMIT
from .headers import merge_expose, sendable
from .known_protocols import PROTOCOLS_IN_JSON, Exchange, protocol_of_xml

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .headers import Pairs

__all__ = ["Exchange", "kept_answer", "protocol_of"]

_BEFORE = " \t\r\n" + b"\xef\xbb\xbf".decode("latin-1")
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
    # What is looked for is ASCII, and a text is searched ten times as fast as bytes.
    text = body.decode("latin-1").lstrip(_BEFORE)
    first = text[:1]
    if first == "<":
        return protocol_of_xml(text, status)
    if first not in {"{", "["}:
        return None
    data: object = _NOT_READ
    for token, row in _TOKENS:
        if token in text and (status < 500 or row.also_5xx) and row.fits(exchange):
            if data is _NOT_READ:
                data = _read_once(body) if len(body) <= _REMEMBERED else _read(body)
            if row.matches(data, exchange):
                return row.protocol
    return None


_SPOILT = frozenset({
    "content-digest", "content-encoding", "content-length", "content-md5", "digest", "etag",
    "repr-digest", "transfer-encoding",
})  # fmt: skip
"""What does not describe a body any more in which a key was masked."""


def kept_answer(
    headers: Iterable[tuple[str, str]],
    sent: bytes,
    plain: bytes,
    *,
    id_header: str,
    request_id: str,
) -> tuple[Pairs, bytes]:
    """Return the header fields and the body that another protocol's error answer is sent with.

    Arguments:
        headers: its own; those that no server would send go.
        sent: its body, as the application sent it.
        plain: the same, its content codings undone; sent in its place if a key in it is masked.
        id_header: the name of the id's header.
        request_id: the request's id.

    """
    # Keys are ASCII, and so are the encodings of JSON and XML where it matters: no byte of
    # another text changes.
    text = plain.decode("latin-1")
    masked = redact(text)
    kept, _ = sendable(headers)
    kept = [pair for pair in kept if pair[0].lower() != id_header.lower()]
    if masked != text:
        sent = masked.encode("latin-1")
        kept = [pair for pair in kept if pair[0].lower() not in _SPOILT]
        kept.append(("Content-Length", str(len(sent))))
    return merge_expose([*kept, (id_header, request_id)], id_header), sent


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        msg = "a member is repeated"
        raise ValueError(msg)
    return members


def _refuse(name: str) -> NoReturn:
    msg = f"{name} is no JSON"
    raise ValueError(msg)


_decode = json.JSONDecoder(object_pairs_hook=_once, parse_constant=_refuse).decode


def _read(body: bytes) -> object:
    """Return the value of a body, or None where not every reader takes it for the same."""
    try:
        return cast("object", _decode(body.decode("utf-8-sig")))
    except (ValueError, RecursionError):
        return None


# A service gives the same few error answers: each is read once.
_read_once = lru_cache(maxsize=256)(_read)
