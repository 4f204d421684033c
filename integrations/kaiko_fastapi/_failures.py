"""From FastAPI's validation errors to the one typed error that is answered.

Implements section 7 of the V2 contract for FastAPI, on the core's rule.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from kaiko_middleware.errors import KaikoError, error_for_status
from kaiko_middleware.validation import Failure, error_from_failures, failure

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from kaiko_fastapi._declared import Declared
    from kaiko_middleware.validation import Where

_WHERE: dict[object, Where] = {
    "path": "path",
    "query": "query",
    "header": "header",
    "cookie": "cookie",
}
_FORMS = frozenset({"multipart/form-data", "application/x-www-form-urlencoded"})
_NO_BODY = Failure("body", "body", None)
_WRONG_TYPE = Failure("media_type", "body", None)


def error_of(
    errors: Iterable[object], body: object, headers: Mapping[str, str], declared: Declared
) -> KaikoError:
    """Return the typed error for what FastAPI's validation found.

    Arguments:
        errors: pydantic's records, each with its location.
        body: what was validated as the body: bytes where it is no JSON by its type.
        headers: the request's.
        declared: what the route declares.

    """
    whole = _failure_of_whole(body, headers, declared)
    failures: list[Failure] = []
    for item in errors:
        if not isinstance(item, dict):
            continue
        record = cast("dict[str, object]", item)
        location: object = record.get("loc")
        if not isinstance(location, (list, tuple)) or not location:
            continue
        first, *rest = cast("list[int | str]", location)
        where = _WHERE.get(first, "body")
        if where == "body" and whole is not None:
            failures.append(whole)
            continue
        schema = declared.schemas.get(where)
        failures.append(failure(str(record.get("type")), rest, where=where, schema=schema))
    if not failures:  # a service raised it by itself, without saying what failed
        return error_for_status(422)
    return error_from_failures(failures)


def _failure_of_whole(
    body: object, headers: Mapping[str, str], declared: Declared
) -> Failure | None:
    """Return what is wrong with the body before any of its fields: its type, or its absence."""
    if not declared.media_type:
        return None
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    absent = headers.get("content-length", "0") == "0" and "transfer-encoding" not in headers
    if declared.form:
        if kind in _FORMS:
            return None
        return _NO_BODY if absent else _WRONG_TYPE
    if isinstance(body, bytes):
        # FastAPI reads JSON only where the type says so, and hands on anything else raw:
        # right where the service declared that very type, and wrong otherwise.
        return None if kind == declared.media_type.lower() else _WRONG_TYPE
    # A body that is `null` comes as None too, but it has a length.
    return _NO_BODY if body is None and absent else None
