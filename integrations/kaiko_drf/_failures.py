"""From DRF's validation errors to failures whose paths have declared names only.

DRF tells failures as nested dicts and lists, in which a key may be the name of a field or
what a client sent as one of a mapping. The serializer knows: DRF leaves it on the errors.
For errors that a service raises by hand it is looked for among what ran; where there is
none, a key counts as declared if the function that raised has it as a literal.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, TypeGuard, cast

from rest_framework.fields import DictField, ListField
from rest_framework.serializers import BaseSerializer, ListSerializer

from kaiko_middleware.validation import Failure

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import CodeType, TracebackType
    from typing import TypeAlias

    from rest_framework.exceptions import ValidationError
    from rest_framework.request import Request

    from kaiko_middleware.validation import Kind, Where

    Serializer: TypeAlias = BaseSerializer[Any]

__all__ = ["failures_in", "failures_of", "serializer_of"]

_KINDS: dict[object, Kind] = {
    "required": "missing",
    # DRF knows no fields that are not allowed; a serializer that does says so by this code.
    "unknown_field": "unknown",
}
_PARTS: dict[str, Where] = {"GET": "query", "headers": "header", "COOKIES": "cookie"}
# What is a key of an error, but of no field.
_NO_FIELDS = frozenset({"code", "detail", "error", "errors", "message", "non_field_errors"})


class _Position(int):
    """Where something stands in a list; a number that is a key may be a client's."""


class _Raised(NamedTuple):
    """What may declare the keys of an error that a service raised by hand."""

    serializer: Serializer | None
    literals: frozenset[str]


def failures_of(exc: ValidationError, request: Request, view: object) -> list[Failure]:
    """Return what `exc` says has failed; one failure of the whole where it says nothing."""
    declared: object = serializer_of(exc.detail)
    if declared is None:
        declared = _raised(exc.__traceback__, exc.detail)
    return failures_in(exc.detail, declared, request, view)


def failures_in(detail: object, declared: object, request: Request, view: object) -> list[Failure]:
    """Return the failures that `detail` tells of.

    Arguments:
        detail: DRF's dicts, lists and texts.
        declared: the serializer that they come from, or what raised them.
        request: DRF's request, which says what was validated.
        view: the view.

    """
    where = _where(declared, request, view)
    found = [
        Failure(_KINDS.get(code, "value"), where, _path(segments))
        for code, segments in _walk(detail, declared, ())
    ]
    if not found:
        return [Failure("value", where, None)]
    # An error that was raised by hand may mean anything but a body.
    absent = _is_serializer(declared) and (where, found[0].kind) == ("body", "missing")
    if absent and _has_no_body(request):
        return [Failure("body", "body", None)]
    return found


def serializer_of(detail: object) -> Serializer | None:
    """Return the serializer whose `errors` these are; None where DRF left none on them."""
    serializer: object = getattr(detail, "serializer", None)
    return serializer if _is_serializer(serializer) else None


def _is_serializer(value: object) -> TypeGuard[Serializer]:
    return isinstance(value, BaseSerializer)


def _walk(
    detail: object, declared: object, path: tuple[str, ...]
) -> Iterator[tuple[object, tuple[str, ...]]]:
    """Yield the code of each error below `detail`, and the declared names on the way to it."""
    own = serializer_of(detail)
    if own is not None:  # a service may put the errors of one among others
        declared = own
    if isinstance(detail, Mapping):
        for key, inner in cast("Mapping[object, object]", detail).items():
            yield from _below(inner, declared, key, path)
    elif isinstance(detail, (list, tuple)):
        for index, inner in enumerate(cast("list[object]", detail)):
            if isinstance(inner, str):
                yield getattr(inner, "code", None), path
            else:
                yield from _below(inner, declared, _Position(index), path)
    else:
        yield getattr(detail, "code", None), path


def _below(
    inner: object, declared: object, key: object, path: tuple[str, ...]
) -> Iterator[tuple[object, tuple[str, ...]]]:
    child, name = _child(declared, key)
    return _walk(inner, child, path if name is None else (*path, name))


def _child(declared: object, key: object) -> tuple[object, str | None]:
    """Return what is declared under `key`, and how a path says it; None where nothing is."""
    child: object = getattr(declared, "child", None)
    if isinstance(declared, DictField):
        return child, "[*]"
    if isinstance(declared, (ListField, ListSerializer)):
        return (child, f"[{key}]") if isinstance(key, int) else (None, None)
    if isinstance(declared, _Raised):
        if isinstance(key, _Position):
            return declared, f"[{key}]"
        by_serializer = _child(declared.serializer, key)
        if by_serializer[1] is None and key in declared.literals:
            return declared._replace(serializer=None), str(key)
        return by_serializer
    fields: object = getattr(declared, "fields", None)
    if isinstance(fields, Mapping) and key in fields:
        return cast("Mapping[object, object]", fields)[key], str(key)
    return None, None


def _path(segments: Iterable[str]) -> str | None:
    path = "".join(part if part.startswith("[") else f".{part}" for part in segments)
    return path.removeprefix(".") or None


def _where(declared: object, request: Request, view: object) -> Where:
    """Return which part of the request was validated: what the serializer was given."""
    data: object = getattr(declared, "initial_data", None)
    if data is not None:
        if data is getattr(view, "kwargs", None):
            return "path"
        # Django keeps there what was asked for once.
        kept = vars(request._request)  # noqa: SLF001 - DRF's documentation names it
        for attribute, where in _PARTS.items():
            if data is kept.get(attribute):
                return where
    # What was refused is a parameter where nobody sends anything else.
    return "query" if request.method in {"GET", "HEAD"} and _has_no_body(request) else "body"


def _has_no_body(request: Request) -> bool:
    meta = request.META
    return meta.get("CONTENT_LENGTH") in {None, "", "0"} and "HTTP_TRANSFER_ENCODING" not in meta


def _raised(traceback: TracebackType | None, keys: object) -> _Raised:
    """Return what declares `keys`: a serializer that ran, and the code that raised."""
    frame = None
    serializer: Serializer | None = None
    while traceback is not None:
        frame = traceback.tb_frame
        for value in frame.f_locals.values():
            if _is_serializer(value) and _declares(value, keys):
                serializer = value
        traceback = traceback.tb_next
    literals = frozenset[str]() if frame is None else frozenset(_literals(frame.f_code))
    return _Raised(serializer, literals - _NO_FIELDS)


def _declares(serializer: object, keys: object) -> bool:
    fields: object = getattr(serializer, "fields", None)
    if not isinstance(fields, Mapping) or not isinstance(keys, Mapping):
        return False
    return (
        not cast("Mapping[object, object]", fields)
        .keys()
        .isdisjoint(cast("Mapping[object, object]", keys))
    )


def _literals(code: CodeType) -> Iterator[str]:
    for constant in code.co_consts:
        if isinstance(constant, str):
            yield constant
        elif isinstance(constant, tuple):  # the keys of a dict display, up to Python 3.13
            for item in cast("tuple[object, ...]", constant):
                if isinstance(item, str):
                    yield item
