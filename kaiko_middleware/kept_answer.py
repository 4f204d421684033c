"""Another protocol's error answer as it goes out: its status, its fields and its body, and our id.

Implements "Another protocol's error stays that protocol's" of section 8 of the V2 contract.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._text import redact
from .errors import error_for_status
from .headers import merge_expose, sendable
from .known_protocols import Exchange
from .render import Reply
from .report import report_dropped

if TYPE_CHECKING:
    from .errors import KaikoError
    from .report import RequestInfo

__all__ = ["exchange_of", "keep_protocol_error"]

_LENGTH = frozenset({"content-length"})
# What does not describe a body any more in which a key was masked.
_SPOILT = _LENGTH | {
    "content-digest", "content-encoding", "content-md5", "digest", "etag", "repr-digest",
    "transfer-encoding",
}  # fmt: skip


def exchange_of(status: int, content_type: str, request: RequestInfo) -> Exchange:
    """Return what an error answer is known by, besides its body."""
    return Exchange(
        status, content_type, request.method, request.content_type or "", request.connect_version
    )


def keep_protocol_error(
    protocol: str, answer: Reply, plain: bytes, request: RequestInfo, id_header: str
) -> tuple[KaikoError, Reply]:
    """Return what is reported of another protocol's error answer, and what is sent.

    The error has the type and the code of the status's row.

    Arguments:
        protocol: the protocol's name.
        answer: the answer, as the application sent it.
        plain: its body, its content codings undone; sent if a key in it is masked.
        request: the request it answers.
        id_header: the name of the id's header.

    """
    status, headers, sent = answer
    kept, dropped = sendable(headers)
    if dropped:
        report_dropped(dropped, request)
    kept = [pair for pair in kept if pair[0].lower() != id_header.lower()]
    # Keys are ASCII, and so is JSON and XML where it matters: no byte of a text changes.
    text = plain.decode("latin-1")
    masked = redact(text)
    spoilt = _LENGTH
    if masked != text:
        sent, spoilt = masked.encode("latin-1"), _SPOILT
    size = str(len(sent))
    told = [value for name, value in kept if name.lower() in _LENGTH]
    if masked != text or (told and told != [size]):
        kept = [pair for pair in kept if pair[0].lower() not in spoilt]
        kept.append(("Content-Length", size))
    kept.insert(2, (id_header, request.request_id))  # where an envelope has it
    kept = merge_expose(kept, id_header)
    error = error_for_status(status, f"kept as an error of {protocol}")
    error.status, error.protocol = status, protocol
    return error, Reply(status, tuple(kept), sent)
