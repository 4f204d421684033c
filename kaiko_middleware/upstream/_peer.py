"""Reading the error of another V2 service: the client's half of the contract.

A body counts as an envelope only if it strictly is one: five members of the right types, and a
`type` that matches the status. Anything else comes from something in between, like a proxy: it is
about our request and not about the caller's.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from kaiko_middleware._text import MESSAGE_LIMIT, PARAM_LIMIT, is_code
from kaiko_middleware.catalog import ROWS, STATUSES, known_codes
from kaiko_middleware.ids import is_request_id
from kaiko_middleware.json_values import members

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")
_MEMBERS = frozenset({"type", "code", "message", "param", "request_id"})


class Envelope(NamedTuple):
    """The members of a strict V2 envelope."""

    type: str
    code: str
    message: str
    param: str | None
    request_id: str


def envelope(data: object) -> Envelope | None:
    """Return the envelope in `data`, without other members than the five; else None."""
    error = members(members(data).get("error"))
    if not error.keys() >= _MEMBERS:
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
    """Whether an envelope matches `status`: a status of the contract with the same type."""
    entry = STATUSES.get(status)
    return entry is not None and entry.status == status and entry.type == said.type


def status_of(said: Envelope) -> int | None:
    """Return the status for an error at the end of a stream, which contains no status.

    It is the status of the code if this process knows the code; if the code has several, a row's
    status comes first. Otherwise it is the type's first row, or None if there is no such type.
    """
    rows = [row.status for row in ROWS if row.type == said.type]
    known = [
        entry.status
        for entry in known_codes()
        if entry.type == said.type and entry.code == said.code
    ]
    return next(iter([*(status for status in rows if status in known), *known, *rows]), None)
