"""What a validator refused, and the one error that answers it.

An adapter reads its validator's records as `Failure`s, and `error_from_records` turns them into
the error. All texts are ours: a validator's texts are localized and often repeat the input.
Implements section 7 of the V2 contract.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeVar, get_args

from kaiko_middleware.error_values import invalid_code
from kaiko_middleware.errors import (
    InvalidRequestError,
    InvalidValueError,
    KaikoError,
    MissingFieldError,
)
from kaiko_middleware.make_error import error_for_code, error_for_status, unraised

from .declared_path import TAG, declared_path, is_declared, is_object

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

Where = Literal["body", "path", "query", "header", "cookie"]
"""Which part of the request was validated."""
PARTS: dict[object, Where] = {part: part for part in get_args(Where)}
"""The parts by the names that locations of FastAPI's and Ninja's start with."""
FORMS = frozenset({"multipart/form-data", "application/x-www-form-urlencoded"})
"""The content types of forms."""
Kind = Literal["missing", "value", "unknown", "json", "body", "media_type"]
"""What failed: a missing field, a bad value, an unknown field, the JSON, a missing body, or a body
of the wrong content type."""

_R = TypeVar("_R")

_NAMED = 5
_READ = 200  # records that are read; a client can make 100,000 in a body
KINDS: dict[str, Kind] = {
    "missing": "missing",
    "missing_argument": "missing",
    "missing_keyword_only_argument": "missing",
    "missing_positional_only_argument": "missing",
    "extra_forbidden": "unknown",
    "unexpected_keyword_argument": "unknown",
    "json_invalid": "json",
}
# The code of each kind that has one of its own.
_CODES: dict[Kind, str] = {
    "missing": "missing_field",
    "unknown": "unknown_field",
    "json": "invalid_json",
    "body": "missing_body",
}
# The field that distinguishes a union's members is a field like any other.
_TAGS: dict[str, Kind] = {"union_tag_not_found": "missing", "union_tag_invalid": "value"}


class Failure(NamedTuple):
    """One thing that a validator refused.

    `path` becomes `param`: a path of declared names, or None. For an unknown field it is the
    path of the object that the field is in.
    """

    kind: Kind
    where: Where
    path: str | None


def failure(
    error_type: str,
    location: Sequence[int | str],
    *,
    where: Where = "body",
    schema: Mapping[str, Any] | None = None,
) -> Failure:
    """Return the failure for pydantic's `error_type` at `location`.

    Arguments:
        error_type: pydantic's name of the error (`missing`, `extra_forbidden`, …).
        location: the location, without a leading `body` or `query`.
        where: the part of the request that was validated.
        schema: the core schema of the model, which tells declared names from a client's keys.
            Without it, the path has no names.

    """
    kind = KINDS.get(error_type, "value")
    if kind == "json" and any(isinstance(item, str) for item in location):
        kind = "value"  # not the body itself, but a field that holds JSON in a string
    if kind == "missing" and not location and where == "body":
        kind = "body"
    if kind == "unknown":
        path = declared_path(schema, location[:-1])
        own = path is None or schema is None or is_object(schema, location)
        return Failure(kind if own else "value", where, path)
    path = declared_path(schema, location)
    if kind == "missing" and path is not None and schema and not is_declared(schema, location):
        # What is absent is inside of a field that is there: a validator validated it by itself.
        inside = declared_path(schema, location[:-1])
        return Failure("missing" if inside is None else "value", where, inside)
    if error_type in _TAGS:
        tagged = declared_path(schema, [*location, TAG])
        if tagged != path:
            kind = _TAGS[error_type]
            path = tagged
    return Failure(kind, where, path)


def on_wire(failed: Failure) -> Failure:
    """Return `failed` with a header's name as it is sent: servers take none with underscores."""
    if failed.where != "header" or failed.path is None:
        return failed
    return failed._replace(path=failed.path.replace("_", "-"))


def error_from_records(records: Sequence[_R], read: Callable[[_R], Failure | None]) -> KaikoError:
    """Return the one error for a validator's records; 422 `invalid_value` if none is a failure.

    Only the first 200 are read. Each of the others counts as one more failure.

    Arguments:
        records: the validator's records, in its order.
        read: returns the failure for a record, or None.

    """
    failures = [found for record in records[:_READ] if (found := read(record)) is not None]
    return _error_from(tuple(failures), max(0, len(records) - _READ))


def error_from_failures(failures: Iterable[Failure]) -> KaikoError:
    """Return the one error for `failures`: it reports the first and names the others.

    Arguments:
        failures: the failures, in the validator's order; for none it is 422 `invalid_value`.

    """
    return _error_from(tuple(failures), 0)


def _error_from(failures: tuple[Failure, ...], unread: int) -> KaikoError:
    make = _remembered if len(failures) <= _REMEMBERED else _made
    return unraised(make(failures, unread))


def _made(failures: tuple[Failure, ...], unread: int) -> KaikoError:
    if not failures:
        return error_for_status(422)
    first, *others = dict.fromkeys(failures)
    error = _error(first)
    more = len(others) + unread
    if more:
        paths = dict.fromkeys([other.path for other in others if other.path is not None])
        names = ", ".join(list(paths)[:_NAMED])
        error.message += f" (and {more} more{f': {names}' if names else ''})"
        error.args = (error.message,)
    return error


# A service's clients make the same few mistakes: each error is made once, and then copied.
_REMEMBERED = 8  # failures
_remembered = lru_cache(maxsize=256)(_made)


def _error(failed: Failure) -> KaikoError:
    kind, where, path = failed
    if kind == "media_type":
        return error_for_status(415)
    if kind == "missing" and path is not None:
        return MissingFieldError(path)
    if kind == "unknown" and where != "body":
        text = "The request has a parameter that is not allowed"
        return InvalidRequestError(text, code="unknown_field", param=path)
    if kind != "value":
        return error_for_code(_CODES[kind], path)
    if where != "body":
        subject = "A parameter" if path is None else f"The '{path}' parameter"
        return InvalidRequestError(
            f"{subject} has an invalid value", code=invalid_code(path), param=path
        )
    subject = "The request body" if path is None else f"The '{path}' field"
    return InvalidValueError(f"{subject} has an invalid value", param=path)
