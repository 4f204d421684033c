"""From a typed error to the bytes that go out; rendering never fails.

Implements sections 1 and 4 of the V2 contract.
"""

from __future__ import annotations

import re
import time
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from ._text import clean_message, clean_param, is_code, json_string, redact, safe_str
from .base_error import default_message
from .catalog import STATUSES
from .config import Config
from .error_values import whole_seconds
from .errors import KaikoError, RateLimitError, ServerError
from .headers import DESCRIBES_BODY, merge_expose, sendable
from .report import RequestInfo, report_dropped, report_failure

if TYPE_CHECKING:
    from collections.abc import Collection

    from .headers import Pairs

__all__ = [
    "SECONDS",
    "Repeated",
    "Reply",
    "close_frame",
    "event_frame",
    "in_seconds",
    "json_line",
    "render",
]

_DEFAULT = Config()
_NOT_IN_ID = re.compile(r"[^A-Za-z0-9._:/+=-]")
_is_id = re.compile(r"[A-Za-z0-9._:/+=-]{1,128}").fullmatch
_CONTENT_TYPE = ("Content-Type", "application/json")
_RETRY = ("X-Should-Retry", "true")
_NO_RETRY = ("X-Should-Retry", "false")
_NO_STORE = ("Cache-Control", "no-store")
_END = b'"}}'
_REMEMBERED = 256  # characters: longer messages are rendered each time
_NUMBER = re.compile(r"[0-9]{1,16}(\.[0-9]{1,20})?")
SECONDS = frozenset({"retry-after", "x-ratelimit-reset"})
"""The header fields that say a time, in lower case: in seconds from now on each error answer."""
_POINTS = 10**9  # no wait is so long: from here on it is a point in time, later on in milliseconds
# Fields that an error adds to those of the answer it replaces.
_BOTH = frozenset({"link", "set-cookie", "vary"})


class Reply(NamedTuple):
    """An answer, ready to be sent by any framework."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


def render(
    error: KaikoError,
    request_id: str,
    config: Config = _DEFAULT,
    replaced: Collection[tuple[str, str]] = (),
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
    if type(request_id) is not str or not _is_id(request_id):
        request_id = _make_id(request_id)
    try:
        return _render(error, request_id, config, replaced)
    except Exception as exc:  # noqa: BLE001 - a subclass can break anything
        _report_broken(exc, request_id)
        return _render(ServerError(), request_id, config, ())


def _make_id(request_id: object) -> str:
    """Return what an adapter gave for an id as one."""
    return _NOT_IN_ID.sub("_", safe_str(request_id))[:128] or "req-unknown"


def _report_broken(exc: Exception, request_id: str) -> None:
    request = RequestInfo(request_id, "-", "-")
    report_failure(exc, request, "an error could not be rendered")


def _render(
    error: KaikoError,
    request_id: str,
    config: Config,
    replaced: Collection[tuple[str, str]],
) -> Reply:
    # The table's status: no error can set one that must not leave.
    entry = STATUSES[error.status]
    status = entry.status
    code, param = error.code, error.param
    message: Any = error.message  # a service can set anything
    # A message that begins with a printable character is not blank, and nearly all do.
    if (type(message) is not str or not "!" < message < "\x7f") and _is_blank(message):
        message = default_message(error)
    if (
        type(code) is str
        and type(message) is str
        and len(message) <= _REMEMBERED
        and (param is None or (type(param) is str and len(param) <= _REMEMBERED))
    ):
        start = _remembered_start(status, code, message, param)
    else:
        start = _envelope_start(status, code, message, param)
    body = b"".join((start, request_id.encode(), _END))
    length = ("Content-Length", str(len(body)))
    marked = (config.request_id_header, request_id)
    retry = _RETRY if error.retryable else _NO_RETRY
    if error.retry_after is None and status != 429 and not error.headers and not replaced:
        if status == 401:
            challenge = ("WWW-Authenticate", config.challenge)
            return Reply(status, (_CONTENT_TYPE, length, marked, retry, _NO_STORE, challenge), body)
        return Reply(status, (_CONTENT_TYPE, length, marked, retry, _NO_STORE), body)
    headers = [_CONTENT_TYPE, length, marked, retry, *_known_limits(error, request_id)]
    return Reply(status, _with_others(headers, error, status, config, replaced), body)


def _is_blank(message: object) -> bool:
    return not isinstance(message, str) or not message or message.isspace()


def _envelope_start(status: int, code: object, message: object, param: object) -> bytes:
    """Return the envelope up to the request id."""
    entry = STATUSES[status]
    said = json_string(clean_message(message, entry.message))
    code = code if is_code(code) else entry.code
    cleaned = clean_param(param)
    blamed = "null" if cleaned is None else json_string(cleaned)
    return (
        f'{{"error":{{"type":"{entry.type}","code":"{code}",'
        f'"message":{said},"param":{blamed},"request_id":"'
    ).encode("ascii")


# Most answers of a service are the same but for the id: each is rendered once.
_remembered_start = lru_cache(maxsize=512)(_envelope_start)


class Repeated:
    """A reply that is the same for all requests, but for the id.

    Arguments:
        reply: what `render` returned for one of them.

    """

    __slots__ = ("first", "id_header", "rest", "start", "status")

    def __init__(self, reply: Reply) -> None:
        self.status: int = reply.status
        first, _, (id_header, request_id), *rest = reply.headers
        self.id_header: str = id_header
        self.first: tuple[str, str] = first
        self.rest: tuple[tuple[str, str], ...] = tuple(rest)
        """The header fields after the type, the length and the id."""
        self.start: bytes = reply.body[: -len(request_id) - len(_END)]
        """The body up to the id."""

    def for_request(self, request_id: str) -> Reply:
        """Return the reply to another request."""
        if type(request_id) is not str or not _is_id(request_id):
            request_id = _make_id(request_id)
        body = b"".join((self.start, request_id.encode(), _END))
        length = ("Content-Length", str(len(body)))
        fields = (self.first, length, (self.id_header, request_id), *self.rest)
        return Reply(self.status, fields, body)


def event_frame(body: bytes, sent: bytes) -> bytes:
    """Return the last event of a server-sent event stream that failed.

    Arguments:
        body: the envelope.
        sent: the last bytes of what was sent (four are enough), which tell whether an
            event is half-written and is ended first.

    """
    if not sent or sent.endswith((b"\n\n", b"\r\n\r\n", b"\r\r")):
        ending = b""
    else:
        # One more line feed after a bare CR would only make it a CR LF.
        ending = b"\n" if sent.endswith(b"\n") else b"\n\n"
    return b"%bevent: error\ndata: %b\n\n" % (ending, body)


def json_line(body: bytes, sent: bytes) -> bytes:
    """Return the last line of a stream of JSON lines that failed; arguments as above."""
    ending = b"" if not sent or sent.endswith(b"\n") else b"\n"
    return b"%b%b\n" % (ending, body)


def close_frame(error: KaikoError, request_id: str) -> tuple[int, str]:
    """Return the code and the reason that an open WebSocket is closed with.

    1011 for an error of the service, 1008 for one of the client; the reason is the code and
    the request id, at most 123 bytes. An error that a subclass broke is 500 `internal`.
    """
    try:
        return _close_frame(error, request_id)
    except Exception as exc:  # noqa: BLE001 - a subclass can break anything
        _report_broken(exc, request_id)
        return _close_frame(ServerError(), request_id)


def _close_frame(error: KaikoError, request_id: str) -> tuple[int, str]:
    entry = STATUSES[error.status]
    code = error.code if is_code(error.code) else entry.code
    return 1011 if entry.status >= 500 else 1008, redact(f"{code} {request_id}")[:123]


def _known_limits(error: KaikoError, request_id: str) -> list[tuple[str, str]]:
    """Return the headers that the error's own attributes say; a number that says none is logged."""
    said = [("Retry-After", error.retry_after)]
    if isinstance(error, RateLimitError):
        said += [
            ("X-RateLimit-Limit", error.limit),
            ("X-RateLimit-Remaining", error.remaining),
            ("X-RateLimit-Reset", error.reset),
        ]
    given = [(name, whole_seconds(value)) for name, value in said if value is not None]
    dropped = [name for name, seconds in given if seconds is None]
    if dropped:
        report_dropped(dropped, RequestInfo(request_id, "-", "-"))
    return [(name, seconds) for name, seconds in given if seconds is not None]


def _with_others(
    headers: list[tuple[str, str]],
    error: KaikoError,
    status: int,
    config: Config,
    replaced: Collection[tuple[str, str]],
) -> tuple[tuple[str, str], ...]:
    """Return `headers` with the error's extra ones and those of the replaced answer that stay."""
    mine, dropped = sendable(error.headers)
    theirs, more = sendable(replaced)
    if dropped or more:
        request = RequestInfo(dict(headers)[config.request_id_header], "-", "-")
        report_dropped([*dropped, *more], request)
    taken = {*DESCRIBES_BODY, *(name.lower() for name, _ in headers)}
    for pairs in (mine, theirs):
        for name, value in pairs:
            lowered = name.lower()
            if lowered in taken:
                continue
            if lowered not in SECONDS:
                headers.append((name, value))
            elif (seconds := _from_now(value)) is not None:
                headers.append((name, seconds))
                taken.add(lowered)
        # What the error says beats what the replaced answer said.
        taken.update({name.lower() for name, _ in mine} - _BOTH)
    present = {name.lower() for name, _ in headers}
    if "cache-control" not in present:
        headers.append(("Cache-Control", "no-store"))
    if status == 401 and "www-authenticate" not in present:
        headers.append(("WWW-Authenticate", config.challenge))
    return tuple(merge_expose(headers, config.request_id_header))


def in_seconds(headers: Pairs, *, sent: Collection[tuple[str, str]]) -> Pairs:
    """Return `headers` with what a client waits for in seconds from now.

    A field that says no time is left out. Those of `sent` stay as they are: the toolkit sent them,
    in seconds, or as another protocol's.
    """
    found = [
        (
            name,
            _from_now(value) if name.lower() in SECONDS and (name, value) not in sent else value,
        )
        for name, value in headers
    ]
    return [(name, value) for name, value in found if value is not None]


def _from_now(value: str) -> str | None:
    """Return a field as integer seconds: decimals rounded up, a point in time from now."""
    if _NUMBER.fullmatch(value):
        seconds = float(value)
        if seconds >= _POINTS * 1_000_000:
            return None  # in a smaller unit, or none that can be sent
        if seconds >= _POINTS:
            seconds /= 1000 if seconds >= _POINTS * 1000 else 1
            seconds = max(0.0, seconds - time.time())
        return whole_seconds(seconds)
    from datetime import UTC  # noqa: PLC0415 - only for a field that is a date
    from email.utils import parsedate_to_datetime  # noqa: PLC0415 - likewise, and heavy

    try:
        moment = parsedate_to_datetime(value)
        # The asctime form names no zone; all of HTTP's dates are in GMT.
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return whole_seconds(max(0.0, moment.timestamp() - time.time()))
    except (ValueError, OverflowError):
        return None
