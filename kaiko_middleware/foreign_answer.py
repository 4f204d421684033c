"""Reading foreign error answers: what inner code, or an upstream, said in its own words.

One reader knows the shapes that error bodies come in: plain text, HTML, `{"detail": …}`
of FastAPI and DRF, problem+json (RFC 9457), the bodies of OpenAI, Anthropic and Google,
and our own envelope. Bodies are hostile: nothing here raises, whatever they hold.
Implements the returned answers of section 8 of the V2 contract.
"""

from __future__ import annotations

import json
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from kaiko_middleware.json_values import is_json_list, is_json_object

from ._text import MESSAGE_LIMIT, is_code, is_param
from .author_text import author_text
from .catalog import status_entry
from .content_coding import BODY_LIMIT
from .framework_pages import page_text
from .ids import is_request_id
from .make_error import error_for_status, with_headers
from .validation import error_from_failures
from .validation.declared_path import render_path
from .validation.failures import PARTS
from .validation.fastapi_errors import read_failures

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .errors import KaikoError
    from .validation import Failure

    Members = dict[str, object]

__all__ = [
    "ForeignBody",
    "error_from_answer",
    "error_from_detail",
    "error_from_reason",
    "is_read_by_request",
    "read_body",
    "read_detail",
]


class ForeignBody(NamedTuple):
    """What an error body says, as far as it can be read; None for what it does not say."""

    message: str | None = None
    code: str | None = None
    param: str | None = None
    envelope: bool = False
    failures: tuple[Failure, ...] = ()


_EMPTY = ForeignBody()


def read_body(
    body: bytes, status: int, content_type: str = "", request_type: str | None = None
) -> ForeignBody:
    """Return what an error body says, whatever it is; never raises.

    Arguments:
        body: the decoded body; one over 64 KiB says nothing.
        status: the answer's status, whose phrase is no message.
        content_type: the answer's Content-Type.
        request_type: the request's, empty if it has none, None if that is not known.

    """
    if not body or len(body) > BODY_LIMIT:
        return _EMPTY
    kind = content_type.partition(";")[0].strip().lower()
    if "json" in kind or body.lstrip()[:1] in {b"{", b"[", b'"'}:
        try:
            data: object = json.loads(body)
        except (ValueError, RecursionError):
            if "json" in kind:
                return _EMPTY
        else:
            return _read_json(data, status, request_type)
    if kind in {"", "text/html", "text/plain"}:
        with suppress(UnicodeDecodeError):
            charset = content_type.lower().partition("charset=")[2].partition(";")[0].strip(' "')
            text = body.decode(charset if charset in _CHARSETS else "utf-8")
            said = page_text(text) if kind == "text/html" else text
            return ForeignBody(message=author_text(said or "", status))
    return _EMPTY


_CHARSETS = frozenset({"iso-8859-1", "iso-8859-15", "latin-1", "utf-16", "windows-1252"})


# A service gives the same few error answers: each is read once.
_REMEMBERED = 1024
_remembered_body = lru_cache(maxsize=256)(read_body)


def _read_again(
    body: bytes, status: int, content_type: str, request_type: str | None
) -> ForeignBody:
    """Return what `read_body` does, of a short one as it was read before."""
    read = _remembered_body if len(body) <= _REMEMBERED else read_body
    return read(body, status, content_type, request_type)


# The statuses of what a validator refused.
_REFUSED = frozenset({400, 422})


def _read_json(data: object, status: int, request_type: str | None) -> ForeignBody:
    if is_json_list(data) and _is_validators(data):
        return ForeignBody(failures=_from_request(data, request_type))
    listed = is_json_list(data)
    if is_json_list(data):  # DRF wraps a text, and Google's streaming endpoints an object
        data = data[0] if len(data) == 1 else None
    return _read_one(data, status, request_type, listed=listed)


def _read_one(data: object, status: int, request_type: str | None, *, listed: bool) -> ForeignBody:
    """Return what a JSON value that is no list says; `listed` says that it was alone in one."""
    if isinstance(data, str):
        return ForeignBody(message=author_text(data, status))
    if not is_json_object(data):
        return _EMPTY
    error, detail = data.get("error"), data.get("detail")
    if is_json_list(detail) and not is_json_object(error):
        return read_detail(detail, status, request_type)
    said = read_detail(data, status, request_type)
    if is_json_object(error):
        if not listed and _is_envelope(data, error, status):
            return said._replace(message=str(error["message"]), envelope=True)
    elif is_json_object(detail):
        inside = read_detail(detail, status, request_type)
        return inside._replace(  # APIFlask's texts are beside it
            message=inside.message or said.message,
            code=inside.code or said.code,
            param=inside.param or said.param,
        )
    return said


def _with_first(
    said: ForeignBody, errors: object, status: int, request_type: str | None
) -> ForeignBody:
    """Return what an answer says, or the first in its list of errors where it says nothing.

    That is how JSON:API and many GraphQL servers answer. Some services pass FastAPI's list on
    under this name.
    """
    if not is_json_list(errors) or not errors or not is_json_object(errors[0]):
        return said
    if _is_validators(errors):
        return said._replace(failures=_from_request(errors, request_type))
    return _members(errors[0], status) if said == _EMPTY else said


def _is_validators(items: list[object]) -> bool:
    """Whether a list is a validator's, whose texts may repeat the input."""
    return bool(items) and is_json_object(items[0]) and _has_place(items[0])


def _has_place(members: Members) -> bool:
    """Whether an object is what validators say of one place in their input."""
    return isinstance(members.get("loc"), (list, tuple))


def _from_request(items: list[object], request_type: str | None) -> tuple[Failure, ...]:
    """Return the failures in a validator's list; none where it did not look at the request."""
    first = items[0]
    location = first.get("loc") if is_json_object(first) else None
    if is_json_list(location) and location and _is_part(location[0]):
        return read_failures(items, request_type)
    return ()


def _is_part(name: object) -> bool:
    return isinstance(name, str) and name in PARTS


def read_detail(detail: object, status: int, request_type: str | None = None) -> ForeignBody:
    """Return what an object or a list says of an error: a detail that was raised, or a body.

    Arguments:
        detail: an object, whose text, code and param are read; or a list of FastAPI's, of what
            validation refused. Anything else says nothing.
        status: the error's status.
        request_type: the request's Content-Type, empty if it has none, None if unknown.

    """
    if is_json_list(detail):
        return ForeignBody(failures=read_failures(detail, request_type))
    if not is_json_object(detail):
        return _EMPTY
    error = detail.get("error")
    if is_json_object(error):
        return _members(error, status)
    said = _members(detail, status)
    if not isinstance(error, str):
        return _with_first(said, detail.get("errors"), status, request_type)
    # {"error": "invalid_grant", "error_description": "…"} of OAuth, or a bare text.
    message = _text(detail, status, "message", "error_description", *_TEXTS)
    if is_code(error):
        return said._replace(message=message, code=said.code or error)
    return said._replace(message=message or author_text(error, status))


def _members(detail: Members, status: int) -> ForeignBody:
    """Return what an object's own members say.

    A validator's says nothing: its text may repeat the input.
    """
    if _has_place(detail):
        return _EMPTY
    param = detail.get("param")
    if not isinstance(param, str):
        param = _param_of(detail.get("attr"))
    return ForeignBody(_text(detail, status, *_TEXTS), _code(detail), param)


def _param_of(attr: object) -> str | None:
    """Return the path in `attr` of drf-standardized-errors and drf-exceptions-hog: `a.0.b`."""
    if not isinstance(attr, str):
        return None
    names = [name for name in attr.split(".") if name != "non_field_errors"]
    return render_path([f"[{name}]" if name.isdecimal() else name for name in names])


# Falcon's title is the status line where an author gave none.
_TEXTS = ("detail", "message", "description", "title", "errorMessage", "msg", "reason")


def _is_envelope(members: Members, error: Members, status: int) -> bool:
    """Whether it is one by section 1 of the contract: with the type that its status has."""
    message, param = error.get("message"), error.get("param")
    return (
        members.keys() == {"error"}
        and error.keys() == {"type", "code", "message", "param", "request_id"}
        and error["type"] == status_entry(status).type
        and is_code(error["code"])
        and is_request_id(error["request_id"])
        and isinstance(message, str)
        and len(message) <= MESSAGE_LIMIT
        and bool(message.strip())
        and (param is None or is_param(param))
    )


def _text(members: Members, status: int, *names: str) -> str | None:
    for name in names:
        value = members.get(name)
        if isinstance(value, str):
            text = author_text(value, status)
            if text is not None:
                return text
    return None


def _code(members: Members) -> str | None:
    code = members.get("code")
    if isinstance(code, str) and code.isupper():
        code = code.lower()  # FastAPI Users and many others write theirs in capitals
    return code if isinstance(code, str) and is_code(code) else None


def error_from_answer(
    status: int,
    body: bytes | None,
    *,
    content_type: str = "",
    retryable: bool | None = None,
    request_type: str | None = None,
) -> KaikoError:
    """Return the typed error for an error answer that inner code returned.

    Arguments:
        status: the answer's status.
        body: its decoded body, or None where it was dropped or cannot be read.
        content_type: its Content-Type.
        retryable: its own `X-Should-Retry`, which counts on an envelope only.
        request_type: the request's Content-Type, empty if it has none, None if unknown.

    """
    said = _read_again(body or b"", status, content_type, request_type)
    if said.failures and status in _REFUSED:
        return error_from_failures(said.failures)
    if said.envelope:
        return error_for_status(
            status, said.message, code=said.code, param=said.param, retryable=retryable
        )
    if status >= 500:
        return error_for_status(status)
    return error_for_status(status, said.message, code=said.code, param=said.param)


def is_read_by_request(
    status: int, body: bytes, *, content_type: str = "", request_type: str | None = None
) -> bool:
    """Whether an error answer is a validator's list, which the request's Content-Type explains.

    Arguments as in `error_from_answer`.
    """
    said = _read_again(body, status, content_type, request_type)
    return bool(said.failures) and status in _REFUSED


def error_from_detail(
    detail: object, status: int, headers: Mapping[str, str] | Iterable[tuple[str, str]] | None
) -> KaikoError:
    """Return the typed error for an exception with a detail that is no text.

    It is read as it would be in the body that the framework makes of it.

    Arguments:
        detail: the detail.
        status: the status, 400 to 499.
        headers: the exception's header fields.

    """
    said = read_detail(detail, status)
    if said.failures and status in _REFUSED:
        return with_headers(error_from_failures(said.failures), headers)
    return error_for_status(status, said.message, code=said.code, param=said.param, headers=headers)


def error_from_reason(reason: list[object], request_type: str | None = None) -> KaikoError:
    """Return the typed error for FastAPI's list of what validation refused.

    It closes a WebSocket with that list, in place of a text: no server can send it.

    Arguments:
        reason: the list.
        request_type: the request's Content-Type, empty if it has none, None if unknown.

    """
    return error_from_failures(read_failures(reason, request_type))
