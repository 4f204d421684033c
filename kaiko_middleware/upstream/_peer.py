"""A V2 service's own error, read back: the client's half of the contract.

A body counts as an envelope only where it strictly is one: five members of the right kind,
and a type that agrees with the status. Anything less came from something in between, which
speaks about our request and not about the caller's.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from kaiko_middleware._text import MESSAGE_LIMIT, PARAM_LIMIT, is_code
from kaiko_middleware.catalog import ROWS, STATUSES, known_codes
from kaiko_middleware.ids import is_request_id

from ._members import members

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")
_MEMBERS = frozenset({"type", "code", "message", "param", "request_id"})


class Envelope(NamedTuple):
    """What a strict V2 envelope says."""

    type: str
    code: str
    message: str
    param: str | None
    request_id: str


def envelope(data: object) -> Envelope | None:
    """Return the envelope that `data` holds, members beyond the five dropped; else None."""
    said = members(data)
    error = members(said.get("error")) if said is not None else None
    if error is None or not error.keys() >= _MEMBERS:
        return None
    kind, code, message = error["type"], error["code"], error["message"]
    param, request_id = error["param"], error["request_id"]
    if (
        isinstance(kind, str)
        and isinstance(code, str)
        and is_code(code)
        and isinstance(message, str)
        and len(message) <= MESSAGE_LIMIT
        and message.strip()
        and (param is None or (isinstance(param, str) and _is_param(param)))
        and isinstance(request_id, str)
        and is_request_id(request_id)
    ):
        return Envelope(kind, code, message, param, request_id)
    return None


def _is_param(text: str) -> bool:
    return 0 < len(text) <= PARAM_LIMIT and _CONTROL.search(text) is None


def agrees(said: Envelope, status: int) -> bool:
    """Whether an envelope can stand under `status`: one that is answered with, of its type."""
    entry = STATUSES.get(status)
    return entry is not None and entry.status == status and entry.type == said.type


def status_of(said: Envelope) -> int | None:
    """Return the status of an error that a stream ended with, which says no status itself.

    It is that of the code where this process knows the code, of several a row's before any
    other; else its type's first row; None where there is no such type.
    """
    rows = [row.status for row in ROWS if row.type == said.type]
    known = [
        entry.status
        for entry in known_codes()
        if entry.type == said.type and entry.code == said.code
    ]
    return next(iter([*(status for status in rows if status in known), *known, *rows]), None)
