"""From FastAPI's validation errors to the one typed error of the answer.

Implements section 7 of the V2 contract for FastAPI, with the core's rule.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from kaiko_middleware.validation import Failure, error_from_records, failure
from kaiko_middleware.validation.failures import FORMS, PARTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from starlette.requests import HTTPConnection

    from kaiko_fastapi._declared import Declared
    from kaiko_middleware import KaikoError

_LOCATIONS: tuple[type, ...] = (list, tuple)
_UNASKED = Failure("value", "body", None)
_NO_BODY = Failure("body", "body", None)
_WRONG_TYPE = Failure("media_type", "body", None)
# Limits of the cache for one route: locations also contain keys that clients choose.
_KEPT = 512
_LONGEST = 256


def error_of(
    errors: Iterable[Any], body: object, connection: HTTPConnection, declared: Declared
) -> KaikoError:
    """Return the typed error for FastAPI's validation errors.

    Arguments:
        errors: pydantic's records, each with its location.
        body: the body that was validated; bytes if its content type is not JSON.
        connection: the request, whose headers are read where the body alone does not tell.
        declared: what the route declares.

    """
    # Of most bodies it is plain that they were there, and JSON.
    plain = body is not None and not declared.form and not isinstance(body, bytes)
    whole: Failure | None = None if plain else _UNASKED

    def read(record: Any) -> Failure | None:
        nonlocal whole
        # Not by isinstance: that would need a cast, which costs a call.
        if not issubclass(type(record), dict):
            return None
        location: Any = record.get("loc")
        if not issubclass(type(location), _LOCATIONS) or not location:
            return None
        items: tuple[object, ...] = tuple(location)
        if items[0] == "body":
            if whole is _UNASKED:
                whole = _failure_of_whole(body, connection, declared)
            if whole is not None:
                return whole
        key = str(record.get("type")), items
        try:
            found = declared.failures.get(key)
        except TypeError:  # not names and positions: the service made the record
            return None
        return _failure(*key, declared) if found is None else found

    # The service may have raised it itself, without saying what failed.
    return error_from_records(list(errors), read)


def _failure(error_type: str, items: tuple[object, ...], declared: Declared) -> Failure | None:
    """Return the failure for a record that is not in the cache, and put it there."""
    if not all(isinstance(each, (int, str)) for each in items):
        return None
    location = cast("tuple[int | str, ...]", items)  # each was asked
    where = PARTS.get(location[0], "body")
    schema = declared.schemas.get(where)
    found = failure(error_type, location[1:], where=where, schema=schema)
    if found.kind != "unknown" and len(repr(location)) <= _LONGEST:
        if len(declared.failures) >= _KEPT:
            declared.failures.clear()
        declared.failures[error_type, items] = found
    return found


def _failure_of_whole(
    body: object, connection: HTTPConnection, declared: Declared
) -> Failure | None:
    """Return what is wrong with the whole body: it has the wrong type, or it is missing."""
    headers = connection.headers
    if declared.form:
        # An empty form is one without fields.
        fits = _media_type(headers) in FORMS or _is_absent(headers)
        return None if fits else _WRONG_TYPE
    if isinstance(body, bytes):
        # FastAPI parses JSON only if the content type says so, and passes any other body raw.
        # That is right only if the service declared that type.
        return None if _media_type(headers) == declared.media_type.lower() else _WRONG_TYPE
    # The body `null` is None too, but it has a length.
    return _NO_BODY if declared.media_type and _is_absent(headers) else None


def _media_type(headers: Mapping[str, str]) -> str:
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def _is_absent(headers: Mapping[str, str]) -> bool:
    return headers.get("content-length", "0") == "0" and "transfer-encoding" not in headers
