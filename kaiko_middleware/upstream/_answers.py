"""Reading an HTTP client's objects: header fields, bodies, and exceptions with an answer.

Clients and SDKs are recognized by their objects' attributes, never by their classes, so none is
imported.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from kaiko_middleware._text import safe_str

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    Headers = Mapping[str, str] | Mapping[bytes, bytes] | Iterable[tuple[str | bytes, str | bytes]]
    Pairs = Iterable[tuple[object, object]]

_LONGEST = 1024  # characters of a field's name, and of its value, that are read
_MOST = 1000  # fields of one answer that are read


class Answer(NamedTuple):
    """An answer on an exception.

    `content` is its body if that was read, `data` the part that an SDK parsed and kept.
    """

    status: int | None
    headers: dict[str, str]
    content: bytes | str | None
    data: dict[str, object] | None


def lower(headers: object) -> dict[str, str]:
    """Return headers by lower-case name; repeated ones are joined (RFC 9110, 5.3).

    Anything that is neither a mapping nor pairs has none: `headers` of an exception may be any
    object.
    """
    found: dict[str, str] = {}
    try:
        for raw_name, raw_value in _pairs(headers):
            name, value = _text(raw_name).lower(), _text(raw_value)
            found[name] = f"{found[name]}, {value}"[:_LONGEST] if name in found else value
    except Exception:  # noqa: BLE001 - its iterator or its items may raise anything
        return {}
    return found


def _pairs(headers: object) -> Iterable[tuple[object, object]]:
    items = getattr(headers, "items", None)  # also of http.client's headers, which are no mapping
    return islice(cast("Pairs", items() if callable(items) else headers), _MOST)


def _text(value: object) -> str:
    if isinstance(value, str):
        return value[:_LONGEST]
    if isinstance(value, bytes | bytearray):
        return value[:_LONGEST].decode("latin-1")
    return safe_str(value)[:_LONGEST]


def content_of(response: object) -> bytes | str | None:
    """Return a response's body, or None if it was not read (a stream) or cannot be."""
    # requests would read the whole stream now.
    if getattr(response, "_content", None) is False:
        return None
    try:
        content: object = getattr(response, "content", None)
    except Exception:  # noqa: BLE001 - a client may raise anything here
        return None
    return content if isinstance(content, bytes | str) else None


def method_of(response: object) -> str:
    """Return the method of a response's request, or GET if it is not known."""
    try:
        method: object = getattr(getattr(response, "request", None), "method", None)
    except Exception:  # noqa: BLE001 - httpx raises if there is none
        return "GET"
    return method if isinstance(method, str) else "GET"


def answer_of(exc: BaseException) -> Answer:
    """Return the answer on a client's exception, as far as there is one."""
    response: Any = getattr(exc, "response", None)
    status = _first_int(
        getattr(exc, "status_code", None),
        getattr(response, "status_code", None),
        getattr(exc, "status", None),
    )
    headers: object = getattr(response, "headers", None)
    if headers is None:
        headers = getattr(exc, "headers", None)
    body: object = getattr(exc, "body", None)
    return Answer(
        status,
        lower(headers),
        None if response is None else content_of(response),
        cast("dict[str, object]", body) if isinstance(body, dict) else None,
    )


def _first_int(*values: object) -> int | None:
    found = (value for value in values if isinstance(value, int) and value)
    return next((value for value in found if not isinstance(value, bool)), None)
