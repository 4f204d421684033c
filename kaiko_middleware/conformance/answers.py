"""The checks of one answer, of an event stream and of JSON lines."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast

from kaiko_middleware._text import redact, safe_str
from kaiko_middleware.catalog import STATUSES
from kaiko_middleware.headers import DESCRIBES_BODY, EXPOSED, is_field_name, is_field_value

from ._protocol_error import text_of_protocol_error
from .envelope import ID, Violation, check_envelope, octets, parse_strictly

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Mapping

    _Pair = tuple[object, object]
    HeadersLike = (
        Mapping[str, str]
        | Mapping[bytes, bytes]
        | Iterable[tuple[str, str]]
        | Iterable[tuple[bytes, bytes]]
    )

__all__ = ["check_answer", "check_event_stream", "check_json_lines"]

_WHOLE = re.compile(r"[0-9]{1,10}")
_JSON_TYPE = re.compile(r'\s*application/json(\s*;\s*charset="?utf-8"?)?\s*', re.IGNORECASE)
_ONCE = (
    ("content-type", "1", "content-type", _JSON_TYPE, "once application/json"),
    ("content-length", "1", "content-length", _WHOLE, "one number"),
    ("should-retry", "4", "x-should-retry", re.compile("true|false"), "once true or false"),
)
_ANSWERED = frozenset(entry.status for entry in STATUSES.values())
_STALE = DESCRIBES_BODY - {"content-type", "content-length"}
_LIMITS = ("x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset")


def check_answer(
    status: int,
    headers: HeadersLike,
    body: bytes,
    *,
    method: str = "GET",
    request_id_header: str = "X-Request-ID",
    request_headers: HeadersLike = (),
) -> list[Violation]:
    """Return every rule of the contract that an answer breaks; an empty list is a pass.

    Arguments:
        status: the answer's status. From 200 to 399 the answer must only have a request id; from
            400 on it must be an envelope, or an error of another protocol that the contract keeps.
        headers: a mapping or pairs, of str or bytes. Prefer pairs, or a mapping with
            `multi_items()`: other mappings do not show repeated headers.
        body: the body as it was sent over the wire.
        method: the request's method; an answer to `HEAD` has no body.
        request_id_header: the name of the id's header.
        request_headers: the request's headers, as `headers`. OAuth's errors are known by the type
            of the request's body, Connect's by the header that its clients send.

    Never raises, whatever the arguments.

    >>> from kaiko_middleware import NotFoundError, render
    >>> check_answer(*render(NotFoundError(), "req-7f65ab21d1"))
    []
    >>> for violation in check_answer(404, {"X-Request-ID": "req-7f65ab21d1"}, b"Not Found"):
    ...     print(violation.rule, "(section", violation.section + ")")
    content-type (section 1)
    content-length (section 1)
    should-retry (section 4)
    cache-control (section 4)
    json (section 1)
    """
    found = _check(status, headers, body, method, request_id_header.lower(), request_headers)
    return _all(found, "1", "an answer")


def check_event_stream(body: bytes, *, request_id: str | None = None) -> list[Violation]:
    r"""Return what is wrong with the end of a failed stream of server-sent events.

    Arguments:
        body: the whole stream, or its end from some event on.
        request_id: the id in the answer's header; the envelope must have the same.

    >>> check_event_stream(b"data: 1\n\n")
    [Violation(rule='event-name', section='8', message="the last event is 'message', not 'error'")]
    """
    return _all(_check_events(body, request_id), "8", "a stream")


def check_json_lines(body: bytes, *, request_id: str | None = None) -> list[Violation]:
    """Return what is wrong with the end of a failed stream of JSON lines.

    Arguments:
        body: the whole stream, or its end from some line on.
        request_id: the id in the answer's header; the envelope must have the same.

    """
    return _all(_check_lines(body, request_id), "8", "a stream")


def _all(found: Iterator[Violation], section: str, what: str) -> list[Violation]:
    try:
        return list(found)
    except Exception as exc:  # noqa: BLE001 - the arguments may be any objects
        said = ascii(f"{type(exc).__name__}: {safe_str(exc)}"[:200])
        return [Violation("readable", section, f"it cannot be read as {what}: {said}")]


def _check_events(body: bytes, request_id: str | None) -> Iterator[Violation]:
    text = octets(body).decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")
    if not text.endswith("\n\n"):
        yield Violation("event-ended", "8", "the stream does not end with an empty line")
    name, data = "message", list[str]()
    for line in text.rstrip("\n").rpartition("\n\n")[2].split("\n"):
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "event":
            name = value
        elif field == "data":
            data.append(value)
    if name == "error":
        yield from _check_body("\n".join(data).encode(), None, request_id)
    else:
        yield Violation("event-name", "8", f"the last event is {name!a}, not 'error'")


def _check_lines(body: bytes, request_id: str | None) -> Iterator[Violation]:
    text = octets(body).decode("utf-8", "replace")
    if not text.endswith("\n"):
        yield Violation("line-ended", "8", "the last line is not ended")
    last = text.rstrip("\n").rpartition("\n")[2]
    yield from _check_body(last.encode(), None, request_id)


def _values(headers: object) -> dict[str, list[str]]:
    """Return the values of headers of any form, by the lower-case name."""
    values: dict[str, list[str]] = {}
    for name, value in _pairs(headers):
        values.setdefault(name.lower(), []).append(value)
    return values


def _pairs(headers: object) -> Iterator[tuple[str, str]]:
    multi = getattr(headers, "multi_items", None) or getattr(headers, "items", None)
    items = multi() if callable(multi) else headers
    for name, value in cast("Iterable[_Pair]", items):  # raises for what has no pairs
        yield _text(name), _text(value)


def _text(value: object) -> str:
    if isinstance(value, bytes | bytearray):
        return value.decode("latin-1")
    if isinstance(value, str):
        return value
    msg = f"a header is {type(value).__name__}, not text"
    raise TypeError(msg)


def _check(  # noqa: PLR0917 - the arguments of check_answer
    status: object, given: object, body: bytes, method: str, id_header: str, asked: object
) -> Iterator[Violation]:
    headers = _values(given)
    for name, values in headers.items():
        if not is_field_name(name) or not all(map(is_field_value, values)):
            yield Violation("sendable", "4", f"no server should send the header {name!a}")
    if type(status) is bool or not isinstance(status, int) or not 100 <= status <= 599:
        yield Violation("status", "3", f"{status!a} is no status")
        return
    if status < 200:
        return
    request_id = yield from _check_id(headers.get(id_header, []))
    if status < 400:
        return
    text = text_of_protocol_error(status, headers, body, method, _values(asked))
    if text is not None:
        yield from _check_exposed(headers, {id_header})
        yield from _check_keys(text)
        return
    if status not in _ANSWERED:
        becomes = STATUSES[status].status
        yield Violation("status", "3", f"{status} never leaves a service: it becomes {becomes}")
    yield from _check_body_headers(headers, body, method)
    yield from _check_error_headers(status, headers)
    yield from _check_exposed(headers, {id_header, *(name.lower() for name in EXPOSED[1:])})
    if method.upper() != "HEAD":
        yield from _check_body(body, status, request_id)
    elif body:
        yield Violation("head", "1", f"an answer to HEAD has a body of {len(body)} bytes")


def _check_body(body: bytes, status: int | None, request_id: str | None) -> Iterator[Violation]:
    yield from _check_keys(octets(body).decode("utf-8", "replace"))
    value = parse_strictly(body)
    if isinstance(value, Violation):
        yield value
        return
    said = yield from check_envelope(value, status)
    if said is not None and request_id is not None and said != request_id:
        yield Violation("same-id", "4", f"the body says {said!a}, the header {request_id!a}")


def _check_keys(text: str) -> Iterator[Violation]:
    if redact(text) != text:
        yield Violation("key", "6", "the body shows a key or a token")


def _check_id(values: list[str]) -> Generator[Violation, None, str | None]:
    """Check the id's header, and return the id if there is exactly one."""
    if len(values) != 1:
        yield Violation("one-id", "4", f"there are {len(values)} request id headers, not one")
        return None
    if not ID.fullmatch(values[0]):
        yield Violation("id-alphabet", "5", f"{values[0][:140]!a} is no request id")
    return values[0]


def _check_body_headers(
    headers: Mapping[str, list[str]], body: bytes, method: str
) -> Iterator[Violation]:
    for rule, section, name, pattern, wanted in _ONCE:
        if _value(headers, name, pattern) is None:
            found = headers.get(name, [])
            yield Violation(rule, section, f"it is {found!a}, not {wanted}")
    length = _value(headers, "content-length", _WHOLE)
    if length is not None and method.upper() != "HEAD" and int(length) != len(body):
        yield Violation("content-length", "1", f"it says {length}, the body has {len(body)} bytes")
    for name in sorted(_STALE & headers.keys()):
        yield Violation("stale-header", "4", f"{name} describes a body that was replaced")


def _value(headers: Mapping[str, list[str]], name: str, pattern: re.Pattern[str]) -> str | None:
    """Return a header's value if it appears exactly once, and as `pattern` has it."""
    values = headers.get(name, [])
    return values[0] if len(values) == 1 and pattern.fullmatch(values[0]) else None


def _check_error_headers(status: int, headers: Mapping[str, list[str]]) -> Iterator[Violation]:
    if "cache-control" not in headers:
        yield Violation("cache-control", "4", "there is no Cache-Control")
    for name in ("retry-after", *_LIMITS):
        if name in headers and _value(headers, name, _WHOLE) is None:
            rule = "retry-after" if name == "retry-after" else "rate-limit"
            yield Violation(rule, "4", f"{name} is {headers[name]!a}, not one whole number")
    if status == 401 and not any(value.strip() for value in headers.get("www-authenticate", [])):
        yield Violation("challenge", "4", "a 401 has no WWW-Authenticate")


def _check_exposed(headers: Mapping[str, list[str]], wanted: set[str]) -> Iterator[Violation]:
    """Check that a script in a browser may read our headers, if it may read the answer."""
    if "access-control-allow-origin" not in headers:
        return
    exposed = {
        item.strip().lower()
        for value in headers.get("access-control-expose-headers", [])
        for item in value.split(",")
    }
    credentials = "true" in headers.get("access-control-allow-credentials", [])
    if "*" in exposed and not credentials:  # with credentials, "*" is an ordinary name
        return
    missing = sorted(wanted - exposed)
    if missing:
        yield Violation("exposed", "4", f"a browser may not read {', '.join(missing)}")
