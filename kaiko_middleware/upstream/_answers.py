"""Reading an HTTP client's objects: header fields, bodies, and exceptions with an answer.

Clients and SDKs are recognized by their objects' attributes, never by their classes, so none is
imported.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from kaiko_middleware._text import safe_str
from kaiko_middleware.json_values import is_json_object, members
from kaiko_middleware.safe_exception import dict_of

from ._gateways import quoted
from ._members import word

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from kaiko_middleware.json_values import Members

    Headers = Mapping[str, str] | Mapping[bytes, bytes] | Iterable[tuple[str | bytes, str | bytes]]
    Pairs = Iterable[tuple[object, object]]

_LONGEST = 1024  # characters of a field's name, and of its value, that are read
_MOST = 1000  # fields of one answer that are read


class Answer(NamedTuple):
    """An answer on an exception.

    `content` is its body if that was read, `data` the part that an SDK parsed and kept, or quotes
    in its message.
    """

    status: int | None
    headers: dict[str, str]
    content: bytes | str | None
    data: dict[str, object]


def lower(headers: object) -> dict[str, str]:
    """Return headers by lower-case name; repeated ones are joined (RFC 9110, 5.3).

    Anything that is neither a mapping nor pairs has none: `headers` of an exception may be any
    object.
    """
    found: dict[str, str] = {}
    try:
        for name, value in _pairs(headers):
            if type(name) is not str or len(name) > _LONGEST:
                name = _text(name)  # noqa: PLW2901 - the same, as text
            if type(value) is not str or len(value) > _LONGEST:
                value = _text(value)  # noqa: PLW2901 - likewise
            name = name.lower()  # noqa: PLW2901 - likewise
            found[name] = f"{found[name]}, {value}"[:_LONGEST] if name in found else value
    except Exception:  # noqa: BLE001 - its iterator or its items may raise anything
        return {}
    return found


def _pairs(headers: object) -> Iterable[tuple[object, object]]:
    items = getattr(headers, "items", None)  # also of http.client's headers, which are no mapping
    found = items() if callable(items) else headers
    return islice(cast("Pairs", found), _MOST)  # `lower` catches what anything else raises


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
    response: Any = _first(exc, "response", "raw_response")  # mistralai's
    if is_json_object(response):
        return _answer_of_boto(response)
    content = None if response is None else content_of(response)
    body = _first(exc, "body", "details")  # google-genai's
    if not content and isinstance(body, str | bytes):
        content = body
    data = members(body) or quoted(word(getattr(exc, "message", None)))
    return Answer(_status_of(exc, response), _headers_of(exc, response), content or None, data)


def _first(exc: BaseException, *names: str) -> Any:
    found = (getattr(exc, name, None) for name in names)
    return next((value for value in found if value is not None), None)


def _status_of(exc: BaseException, response: object) -> int | None:
    found: tuple[object, ...] = (
        getattr(exc, "status_code", None),
        getattr(response, "status_code", None),
        getattr(exc, "status", None),
        dict_of(exc).get("code"),  # google-genai's; aiohttp's property warns that it is old
    )
    numbers = (value for value in found if isinstance(value, int) and value)
    return next((number for number in numbers if not isinstance(number, bool)), None)


def _headers_of(exc: BaseException, response: object) -> dict[str, str]:
    found = lower(getattr(response, "headers", None)) if response is not None else {}
    return found or lower(_first(exc, "headers", "litellm_response_headers"))


def _answer_of_boto(response: Members) -> Answer:
    """Return what botocore keeps of an answer: its parsed error, and its status and headers."""
    error, answered = members(response.get("Error")), members(response.get("ResponseMetadata"))
    code, status = error.get("Code"), answered.get("HTTPStatusCode")
    headers = lower(answered.get("HTTPHeaders"))
    headers.setdefault("x-amzn-errortype", word(code))
    data: Members = {"type": "error", "code": code, "message": error.get("Message")}
    return Answer(status if isinstance(status, int) else None, headers, None, data)
