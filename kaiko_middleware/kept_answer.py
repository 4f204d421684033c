"""Another protocol's error answer as it goes out: its status, its fields and its body, and our id.

Implements "Another protocol's error stays that protocol's" of section 8 of the V2 contract.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._text import redact
from .headers import merge_expose, sendable
from .known_protocols import Exchange
from .make_error import error_for_status
from .protocol_errors import protocol_of
from .render import Reply
from .report import report_dropped

if TYPE_CHECKING:
    from .config import Config
    from .errors import KaikoError
    from .report import RequestInfo

__all__ = ["keep_protocol_error"]

_LENGTH = frozenset({"content-length"})
# What does not describe a body any more in which a key was masked.
_SPOILT = _LENGTH | {
    "content-digest", "content-encoding", "content-md5", "digest", "etag", "repr-digest",
    "transfer-encoding",
}  # fmt: skip


def keep_protocol_error(
    answer: Reply, plain: bytes, kind: str, request: RequestInfo, config: Config
) -> tuple[KaikoError, Reply] | None:
    """Return what is reported and sent of another protocol's error; None for any other answer.

    What is reported has the type and the code of the status's row.

    Arguments:
        answer: the answer, as the application sent it.
        plain: its body, its content codings undone; sent if a key in it is masked.
        kind: its Content-Type.
        request: the request it answers.
        config: says the id header's name.

    """
    status, headers, sent = answer
    asked = request.content_type or ""
    exchange = Exchange(status, kind, request.method, asked, request.connect_version)
    protocol = protocol_of(exchange, plain)
    if protocol is None:
        return None
    id_header = config.request_id_header
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
