"""What is looked at in a head: whether a server takes it, whose it is, how its stream ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .content_coding import decode_body
from .headers import DESCRIBES_BODY, is_field_name, is_field_value, merge_expose, sendable
from .protocol_errors import may_be_one
from .render import Reply, event_frame, in_seconds, json_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from .config import Config
    from .headers import Pairs
    from .report import RequestInfo

__all__ = [
    "cors_fields",
    "is_html",
    "is_readable",
    "recognize",
    "stream_kind",
    "why_unsendable",
]

_PARSED = ("json", "text/plain", "xml")
_STREAMS: dict[str, Callable[[bytes, bytes], bytes]] = {
    "text/event-stream": event_frame,
    "application/x-ndjson": json_line,
    "application/jsonl": json_line,
}


def stream_kind(headers: Iterable[tuple[str, str]]) -> Callable[[bytes, bytes], bytes] | None:
    """Return how a failing stream with these headers is ended; None if it can only be cut."""
    kind = None
    for name, value in headers:
        lowered = name.lower()
        if lowered == "content-type":
            kind = _STREAMS.get(value.partition(";")[0].strip().lower())
        elif lowered in {"content-length", "content-encoding"}:
            return None
    return kind


def why_unsendable(status: object, headers: Pairs, *, rewritten: bool) -> str | None:
    """Return why no server would send this head, or None.

    Of an error that is rewritten, a bad header is no reason: it is dropped on the way.
    """
    if not isinstance(status, int) or not 100 <= status <= 599:
        return f"no server would send status {status!a}"
    if status >= 400 and rewritten:
        return None
    for name, value in headers:
        if not is_field_name(name) or not is_field_value(value):
            return f"no server would send header {name!a}"
    return None


def is_html(headers: Pairs) -> bool:
    """Whether a head with these headers is that of a page."""
    return any(
        name.lower() == "content-type" and value.lower().startswith("text/html")
        for name, value in headers
    )


def is_readable(headers: Pairs, body: bytearray, config: Config) -> bool:
    """Whether a rest of an error answer's body may say more, by its head and its start."""
    kind = "".join(value.lower() for name, value in headers if name.lower() == "content-type")
    if not kind or any(part in kind for part in _PARSED):
        return True
    return config.keep_protocol_errors and "html" not in kind and may_be_one(body)


def cors_fields(headers: Pairs) -> Pairs:
    """Return what middleware put on a head for the browser, whatever the answer becomes."""
    return [
        (name, value)
        for name, value in headers
        if name.lower() == "vary" or name.lower().startswith("access-control-")
    ]


def recognize(  # noqa: PLR0917 - an answer's parts, in the order that they have on the wire
    ours: Reply, status: int, headers: Pairs, body: bytes, request: RequestInfo, config: Config
) -> Reply | None:
    """Return an inner layer's reply with what was added on its way, if this answer is it.

    It was reported where it was made. That a compressing middleware encoded its few bytes
    is undone.

    Arguments:
        ours: what the inner layer said that it answered.
        status: the answer's status.
        headers: its headers.
        body: its body.
        request: the request that it answers.
        config: says the id header's name.

    """
    id_header = config.request_id_header
    marked, coding = False, ""
    kept: Pairs = []
    for name, value in headers:
        lowered = name.lower()
        if lowered == id_header.lower():  # an inner middleware may put one of its own beside it
            marked = marked or value == request.request_id
        elif lowered == "content-encoding":
            coding = value
        elif lowered not in DESCRIBES_BODY:
            kept.append((name, value))
    plain = decode_body(body, coding) if coding else body
    # Of a body that can be read, the id in it says whose it is.
    same = marked if request.method == "HEAD" or plain is None else plain == ours.body
    made_for_it = (id_header, request.request_id) in ours.headers  # it may be one used twice
    if status != ours.status or not same or not made_for_it:
        return None
    kept = in_seconds(sendable(kept)[0], sent=ours.headers)
    described = [pair for pair in ours.headers if pair[0].lower() in DESCRIBES_BODY]
    merged = merge_expose([*described, (id_header, request.request_id), *kept], id_header)
    return Reply(status, tuple(merged), ours.body)
