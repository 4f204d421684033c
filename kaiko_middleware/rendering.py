"""From a typed error to the bytes that go out; rendering never fails.

Implements sections 1 and 4 of the V2 contract.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from ._text import clean_message, clean_param, is_code, json_string
from .catalog import STATUSES
from .config import Config
from .errors import KaikoError, RateLimitError, ServerError, whole_seconds
from .headers import DESCRIBES_BODY, merge_expose, sendable
from .ids import is_request_id
from .report import logger

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Reply", "envelope", "event_frame", "json_line", "render"]

_DEFAULT = Config()
_NOT_IN_ID = re.compile(r"[^A-Za-z0-9._:/+=-]")
# What an error may set beside ours, and what is then not ours to say.
_SINGLE = frozenset({"cache-control", "retry-after", "www-authenticate"})


class Reply(NamedTuple):
    """An answer, ready to be sent by any framework."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


def render(
    error: KaikoError,
    request_id: str,
    *,
    config: Config = _DEFAULT,
    replaced: Iterable[tuple[str, str]] = (),
) -> Reply:
    """Return the answer for `error`.

    Arguments:
        error: any typed error; one that a subclass broke is rendered as 500 `internal`.
        request_id: the request's id, in the body and in the header.
        config: says the id header's name and the challenge of a 401.
        replaced: the headers of an answer that this one replaces; what described its
            body goes, the rest stays.

    >>> from kaiko_middleware import NotFoundError
    >>> render(NotFoundError("No such model"), "req-7f65ab21d1").status
    404
    """
    if not is_request_id(request_id):
        request_id = _NOT_IN_ID.sub("_", request_id)[:128] or "req-unknown"
    try:
        return _render(error, request_id, config, replaced)
    except Exception as exc:  # noqa: BLE001 - a subclass can break anything
        logger.error("an error could not be rendered", exc_info=exc)
        return _render(ServerError(), request_id, config, ())


def _render(
    error: KaikoError,
    request_id: str,
    config: Config,
    replaced: Iterable[tuple[str, str]],
) -> Reply:
    status = error.status
    body = envelope(error, request_id)
    headers = [
        ("Content-Type", "application/json"),
        ("Content-Length", str(len(body))),
        (config.request_id_header, request_id),
        ("X-Should-Retry", "true" if error.retryable else "false"),
    ]
    own = _own(error)
    headers += own
    extra = _extra(error.headers, replaced, config, {name.lower() for name, _ in own})
    present = {name.lower() for name, _ in extra} if extra else ()
    if "cache-control" not in present:
        headers.append(("Cache-Control", "no-store"))
    if status == 401 and "www-authenticate" not in present:
        headers.append(("WWW-Authenticate", config.challenge))
    if extra:
        headers = merge_expose([*headers, *extra], config.request_id_header)
    return Reply(status, tuple(headers), body)


def envelope(error: KaikoError, request_id: str) -> bytes:
    """Return the JSON body for `error`; raises only where a subclass breaks its attributes."""
    entry = STATUSES[error.status]
    message = json_string(clean_message(error.message, entry.message))
    code = error.code if is_code(error.code) else entry.code
    param = error.param
    if param is not None:
        param = clean_param(param)
    return (
        f'{{"error":{{"type":"{entry.type}","code":"{code}",'
        f'"message":{message},"param":{"null" if param is None else json_string(param)},'
        f'"request_id":"{request_id}"}}}}'
    ).encode("ascii")


def event_frame(body: bytes, sent: bytes) -> bytes:
    """Return the last event of a server-sent event stream that failed.

    Arguments:
        body: the envelope.
        sent: the last bytes of what was sent (four are enough), which tell whether an
            event stands half-written and is ended first.

    """
    if not sent or sent.endswith((b"\n\n", b"\r\n\r\n", b"\r\r")):
        ending = b""
    else:
        ending = b"\n" if sent.endswith((b"\n", b"\r")) else b"\n\n"
    return b"%bevent: error\ndata: %b\n\n" % (ending, body)


def json_line(body: bytes, sent: bytes) -> bytes:
    """Return the last line of a stream of JSON lines that failed; arguments as above."""
    ending = b"" if not sent or sent.endswith(b"\n") else b"\n"
    return b"%b%b\n" % (ending, body)


def _own(error: KaikoError) -> list[tuple[str, str]]:
    """Return the headers that the error's own attributes say."""
    headers: list[tuple[str, str]] = []
    if error.retry_after is not None:
        seconds = whole_seconds(error.retry_after)
        if seconds is not None:
            headers.append(("Retry-After", seconds))
    if isinstance(error, RateLimitError):
        for name, value in (
            ("X-RateLimit-Limit", error.limit),
            ("X-RateLimit-Remaining", error.remaining),
            ("X-RateLimit-Reset", error.reset),
        ):
            seconds = None if value is None else whole_seconds(value)
            if seconds is not None:
                headers.append((name, seconds))
    return headers


def _extra(
    given: tuple[tuple[str, str], ...],
    replaced: Iterable[tuple[str, str]],
    config: Config,
    own: set[str],
) -> list[tuple[str, str]]:
    """Return the error's extra headers and those of the replaced answer that stay."""
    if not given and not replaced:
        return []
    mine, dropped = sendable(given)
    theirs, more = sendable(replaced)
    if dropped or more:
        logger.warning("headers that cannot be sent were dropped: %r", [*dropped, *more])
    gone = DESCRIBES_BODY | own | {config.request_id_header.lower(), "x-should-retry"}
    said = {name.lower() for name, _ in mine} & _SINGLE
    kept: list[tuple[str, str]] = []
    for pairs, without in ((mine, gone), (theirs, gone | said)):
        for name, value in pairs:
            lowered = name.lower()
            if lowered in without:
                continue
            if lowered == "retry-after":
                seconds = _retry_after(value)
                if seconds is not None:
                    kept.append((name, seconds))
            else:
                kept.append((name, value))
    return kept


def _retry_after(value: str) -> str | None:
    """Return a Retry-After field as integer seconds: decimals rounded up, a date from now."""
    try:
        return whole_seconds(float(value)) if len(value) < 20 else None
    except ValueError:
        pass
    import time  # noqa: PLC0415 - only for a Retry-After that is a date
    from email.utils import parsedate_to_datetime  # noqa: PLC0415 - likewise, and heavy

    try:
        moment = parsedate_to_datetime(value)
        return whole_seconds(max(0.0, moment.timestamp() - time.time()))
    except (ValueError, OverflowError, OSError):
        return None
