"""What the page of `demo --serve` shows, as data: the rows, the causes, and judged answers.

The page itself, `playground.html`, draws this data and decides nothing.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from itertools import takewhile
from typing import TYPE_CHECKING, Literal, NamedTuple

from kaiko_cli.advice import fault_of
from kaiko_cli.compare import COMPARED_HEADERS, judge
from kaiko_cli.serving import curl
from kaiko_demo import CAUSES, Cause, Request
from kaiko_demo.cause import error
from kaiko_middleware.catalog import ROWS, known_codes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from kaiko_cli.compare import Verdict
    from kaiko_cli.firing import Address, Fired
    from kaiko_cli.wire import Received
    from kaiko_middleware.catalog import Row

__all__ = ["SOCKET_CAUSES", "by_name", "groups", "is_streamed", "overview", "shown", "slug"]

_SHOWN = 4_000
_ID_HEADER = "X-Request-ID"
_MASK = "\0"
_HANDSHAKE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "a2Fpa28tbWlkZGxld2FyZQ==",
}

SOCKET_CAUSES = (
    Cause(
        "a WebSocket that nothing takes",
        Request("GET", "/live", _HANDSHAKE),
        error(404, "not_found_error", "not_found"),
    ),
)
"""A handshake that is denied. It needs no key: a script in a browser can send no header."""

Mark = Literal["id", "differs"]
Piece = tuple[str, Mark | None]


def slug(cause: Cause) -> str:
    """Return a cause's name as the page's address has it.

    >>> slug(CAUSES[4])
    'messages-missing'
    """
    words = "".join(char if char.isalnum() else " " for char in cause.name.lower())
    return "-".join(words.split())


def by_name() -> Mapping[str, Cause]:
    """Return every cause that the page can send, by `slug`."""
    return {slug(cause): cause for cause in (*CAUSES, *SOCKET_CAUSES)}


def is_streamed(cause: Cause) -> bool:
    """Whether the client asks for a stream."""
    return b'"stream": true' in (cause.request.body or b"")


class Group(NamedTuple):
    """Causes that belong together; `row` is the status of their row, if they reach one."""

    title: str
    row: int | None
    causes: Sequence[Cause]


def groups() -> list[Group]:
    """Return the groups of the page, each cause in one of them."""
    broken = [cause for cause in CAUSES if cause.in_stream or cause.cut]
    rest = [cause for cause in CAUSES if cause not in broken]
    fine = [cause for cause in rest if cause.expected.status < 400]
    found = [
        Group(row.meaning, row.status, [c for c in rest if c.expected.status == row.status])
        for row in ROWS
    ]
    others = [c for c in rest if c not in fine and all(c not in group.causes for group in found)]
    return [
        *found,
        Group("Other statuses", None, others),
        Group("Streams that break in the middle", None, broken),
        Group("WebSockets that are denied", None, SOCKET_CAUSES),
        Group("Requests that succeed", None, fine),
    ]


def overview(stacks: Sequence[Address], behind: Sequence[Address]) -> dict[str, object]:
    """Return what the page needs before anything is sent.

    Arguments:
        stacks: the running stacks.
        behind: the services that they call.

    """
    return {
        "stacks": [{**address._asdict(), "url": address.url} for address in stacks],
        "behind": [{**address._asdict(), "url": address.url} for address in behind],
        "rows": [_row(row) for row in ROWS],
        "groups": [
            {
                "title": group.title,
                "row": group.row,
                "causes": [_cause(cause, stacks) for cause in group.causes],
            }
            for group in groups()
        ],
    }


def _row(row: Row) -> dict[str, object]:
    # Where the code of the row is the demo's, the demo says what it means.
    codes = (entry for entry in known_codes() if entry.defined)
    own = next((entry for entry in codes if entry.code == row.example), None)
    return {
        "status": row.status,
        "type": row.type,
        "code": row.example,
        "meaning": row.meaning if own is None else own.meaning,
        "resolution": row.resolution if own is None else own.resolution,
        "retry": row.retryable,
    }


def _cause(cause: Cause, stacks: Sequence[Address]) -> dict[str, object]:
    request, expected = cause.request, cause.expected
    body = (request.body or b"").decode()
    kind = "stream" if is_streamed(cause) else "answer"
    return {
        "slug": slug(cause),
        "name": cause.name,
        "kind": "socket" if cause in SOCKET_CAUSES else kind,
        "method": request.method,
        "path": request.path,
        "headers": list(request.headers.items()),
        "body": body if len(body) <= _SHOWN else f"{body[:200]}… ({len(body):,} bytes)",
        "curl": {
            address.name: "\n".join(
                curl(address.url, each) for each in (*cause.before, cause.request)
            )
            for address in stacks
        },
        "before": len(cause.before),
        "expected": asdict(expected),
        "behind": None if cause.behind is None else cause.behind.name,
        "attempts": 0 if cause.behind is None else cause.behind.attempts,
        "fault": _fault(cause),
        "ends": _ending(cause),
    }


def _ending(cause: Cause) -> str | None:
    if cause.in_stream:
        return "with the error as its last event, or line"
    return "cut off, since plain text has no place for an error" if cause.cut else None


def _fault(cause: Cause) -> str | None:
    expected = cause.expected
    if expected.type is None:
        return None
    status = 503 if expected.code == "service_unavailable" else max(expected.status, 400)
    status = 500 if expected.code == "internal" else status
    return fault_of(status, expected.type, retryable=bool(expected.retry) or cause.in_stream)


# --- judged answers ------------------------------------------------------------------


def shown(fired: Fired) -> dict[str, object]:
    """Return judged answers, with marks on the ids and on what differs.

    Arguments:
        fired: the answers.

    """
    received = {stack: answered.received for stack, answered in fired.answers.items()}
    verdict = judge(fired.cause, received)
    bodies = _bodies(verdict, received)
    names = _names(received, framed=any(each.status >= 400 for each in received.values()))
    return {
        "cause": slug(fired.cause),
        "same": not verdict.differences,
        "wrong": verdict.wrong,
        "differs": list(verdict.differences),
        "answers": [
            {
                "stack": stack,
                "seconds": answered.seconds,
                "status": answered.received.status,
                "error": _no_id(verdict, stack),
                "id": verdict.shown[stack].id,
                "broken": answered.received.broken,
                "differs": [
                    part for part in ("status", "connection") if part in verdict.differences
                ],
                "headers": [
                    {
                        "name": name,
                        "value": ", ".join(answered.received.values(name)) or None,
                        "mark": _mark_of(name, verdict),
                    }
                    for name in names
                ],
                "others": [
                    pair
                    for pair in answered.received.headers
                    if pair[0].lower() not in _lower(names)
                ],
                "body": bodies[stack],
                "bytes": len(answered.received.body),
            }
            for stack, answered in fired.answers.items()
        ],
    }


def _no_id(verdict: Verdict, stack: str) -> dict[str, str]:
    said = verdict.shown[stack]._asdict()
    del said["id"]
    return said


def _names(received: Mapping[str, Received], *, framed: bool) -> list[str]:
    """Return the compared headers that any answer has."""
    # Without an error the framework chooses the framing.
    wanted = (_ID_HEADER, *COMPARED_HEADERS, *(("Content-Length",) if framed else ()))
    return [name for name in wanted if any(each.values(name) for each in received.values())]


def _lower(names: Sequence[str]) -> set[str]:
    return {name.lower() for name in names}


def _mark_of(name: str, verdict: Verdict) -> Mark | None:
    if name in verdict.differences:
        return "differs"
    return "id" if name == _ID_HEADER else None


def _bodies(verdict: Verdict, received: Mapping[str, Received]) -> dict[str, list[Piece]]:
    """Return each body in pieces; JSON is laid out, unless the bytes differ."""
    differ = "body" in verdict.differences
    texts = {
        stack: _text(answer.body) if differ else _laid_out(_text(answer.body))
        for stack, answer in received.items()
    }
    ids = {stack: said.id for stack, said in verdict.shown.items()}
    masked = [text.replace(ids[stack] or _MASK, _MASK) for stack, text in texts.items()]
    if not differ:
        return {
            stack: list(_with_ids(text, ids[stack], None))
            for stack, text in zip(texts, masked, strict=True)
        }
    start = _shared(masked)
    end = _shared([text[start:][::-1] for text in masked])
    return {
        stack: [
            *_with_ids(text[:start], ids[stack], None),
            *_with_ids(text[start : len(text) - end] or "(nothing)", ids[stack], "differs"),
            *_with_ids(text[len(text) - end :], ids[stack], None),
        ]
        for stack, text in zip(texts, masked, strict=True)
    }


def _shared(texts: Sequence[str]) -> int:
    """Return how many characters all texts begin with."""
    columns = zip(*texts, strict=False)
    return sum(1 for _ in takewhile(lambda column: len({*column}) == 1, columns))


def _with_ids(text: str, request_id: str, mark: Mark | None) -> Iterator[Piece]:
    first, *rest = text.split(_MASK)
    if first:
        yield first, mark
    for piece in rest:
        yield request_id, "id"
        if piece:
            yield piece, mark


def _text(body: bytes) -> str:
    text = body.decode("utf-8", "backslashreplace").replace(_MASK, "\\0")
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}… ({len(body):,} bytes)"


def _laid_out(text: str) -> str:
    try:
        found: object = json.loads(text)
    except ValueError:
        return text
    return json.dumps(found, indent=1, ensure_ascii=False)
