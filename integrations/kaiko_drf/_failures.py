"""From DRF's validation errors to failures whose paths contain only declared names.

DRF's errors are nested dicts and lists. A key may be the name of a field, or a key of a mapping
that the client sent. The serializer knows which; DRF stores it on the errors. For errors that a
service raises by hand, the traceback is searched for a serializer, or for a Django form:
django-filter validates a query with one. A key counts as declared as well if it is a literal in the
function that raised.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, TypeGuard, cast

from django.forms import BaseForm
from rest_framework.fields import DictField, ListField
from rest_framework.serializers import BaseSerializer, ListSerializer, Serializer

from kaiko_middleware.json_values import is_json_object
from kaiko_middleware.validation import Failure
from kaiko_middleware.validation.failures import FORMS, on_wire

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import CodeType, TracebackType
    from typing import TypeAlias

    from django.http import HttpRequest
    from rest_framework.exceptions import ValidationError
    from rest_framework.request import Request

    from kaiko_middleware.validation import Kind, Where

    AnySerializer: TypeAlias = BaseSerializer[Any]

__all__ = ["failures_in", "failures_of", "serializer_of"]

_KINDS: dict[object, Kind] = {
    "required": "missing",
    # DRF has no unknown fields; a serializer that refuses them uses this code.
    "unknown_field": "unknown",
}
_PARTS: dict[str, Where] = {"GET": "query", "headers": "header", "COOKIES": "cookie"}
# Keys of an error that are not fields.
_NO_FIELDS = frozenset({"code", "detail", "error", "errors", "message", "non_field_errors"})


class _Position(int):
    """A position in a list; a number that is a key may come from the client."""


class _Raised(NamedTuple):
    """The sources of declared keys for an error that a service raised by hand."""

    serializer: AnySerializer | None
    literals: frozenset[str]
    initial_data: object = None
    """What a form validated."""


def failures_of(exc: ValidationError, request: Request, view: object) -> list[Failure]:
    """Return the failures of `exc`; one failure of the whole if it names none."""
    declared: object = serializer_of(exc.detail)
    if declared is None:
        declared = _raised(exc.__traceback__, exc.detail)
    return failures_in(exc.detail, declared, request, view)


def failures_in(detail: object, declared: object, request: Request, view: object) -> list[Failure]:
    """Return the failures in `detail`.

    Arguments:
        detail: DRF's dicts, lists and texts.
        declared: the serializer that made them, or the code that raised them.
        request: DRF's request.
        view: the view.

    """
    where = _where(declared, request, view)
    found: list[Failure] = []
    _walk(detail, declared, where, ("", ""), found)
    if not found:
        return [Failure("value", where, None)]
    # An error that was raised by hand need not be about a body.
    absent = (where, found[0].kind) == ("body", "missing") and _is_serializer(declared)
    if absent and _has_no_body(request) and not _takes_form(request):
        return [Failure("body", "body", None)]
    return [on_wire(each) for each in found] if where == "header" else found


def serializer_of(detail: object) -> AnySerializer | None:
    """Return the serializer whose `errors` these are; None if DRF stored none on them."""
    serializer: object = getattr(detail, "serializer", None)
    return serializer if serializer is not None and _is_serializer(serializer) else None


def _is_serializer(value: object) -> TypeGuard[AnySerializer]:
    return isinstance(value, BaseSerializer)


def _walk(
    detail: object, declared: object, where: Where, at: tuple[str, str], found: list[Failure]
) -> None:
    """Add the failures below `detail` to `found`, with the declared names that lead to them.

    `at` is the path so far, and the last key's part of it: empty if that is no declared name.
    """
    # A service may nest a serializer's errors in others.
    if hasattr(detail, "serializer"):
        declared = serializer_of(detail) or declared
    path, last = at
    if is_json_object(detail):
        for key, inner in detail.items():
            child, name = _child(declared, key)
            _walk(inner, child, where, (path + last, name), found)
        return
    errors: Iterable[object] = (detail,)
    if isinstance(detail, (list, tuple)):
        errors = cast("Iterable[object]", detail)  # of anything
    for index, inner in enumerate(errors):
        if isinstance(inner, (dict, list, tuple)):
            child, name = _child(declared, _Position(index))
            several = cast("object", inner)  # of anything
            _walk(several, child, where, (path + last, name), found)
        else:
            kind = _KINDS.get(getattr(inner, "code", None), "value")
            if kind == "missing" and path and not last.startswith("."):
                kind, last = "value", ""  # what is absent is inside of a field that is there
            found.append(Failure(kind, where, (path + last).removeprefix(".") or None))


def _child(declared: object, key: object) -> tuple[object, str]:
    """Return what is declared under `key`, and its part of a path; empty if nothing is."""
    if isinstance(declared, Serializer):
        fields: Any = declared.fields
        try:
            return fields[key], f".{key}"
        except KeyError:
            return None, ""
    child: object = getattr(declared, "child", None)
    if isinstance(declared, DictField):
        return child, "[*]"
    if isinstance(declared, (ListField, ListSerializer)):
        return (child, f"[{key}]") if isinstance(key, int) else (None, "")
    if isinstance(declared, _Raised):
        if isinstance(key, _Position):
            return declared, f"[{key}]"
        by_serializer = _child(declared.serializer, key)
        if not by_serializer[1] and key in declared.literals:
            return declared._replace(serializer=None), f".{key}"
        return by_serializer
    return None, ""


def _where(declared: object, request: Request, view: object) -> Where:
    """Return which part of the request was validated: the data given to the serializer."""
    data: object = getattr(declared, "initial_data", None)
    django_request: HttpRequest = request._request  # noqa: SLF001 - DRF's documentation names it
    if data is not None:
        if data is getattr(view, "kwargs", None):
            return "path"
        kept = vars(django_request)  # Django caches the parsed parts there
        for attribute, where in _PARTS.items():
            if data is kept.get(attribute):
                return where
    # Without a body, only parameters can be refused.
    return "query" if django_request.method in {"GET", "HEAD"} and _has_no_body(request) else "body"


def _takes_form(request: Request) -> bool:
    """Whether the body is a form by its content type; without one, whether the view reads forms."""
    kind = str(request.content_type).partition(";")[0].strip().lower()
    parsers = request.parsers or ()
    negotiator: Any = request.negotiator  # its stubs say that there may be none
    if kind or negotiator.select_parser(request, parsers) is not None:
        return kind in FORMS
    return any(each.media_type in FORMS for each in parsers)


def _has_no_body(request: Request) -> bool:
    meta = request.META
    return meta.get("CONTENT_LENGTH") in {None, "", "0"} and "HTTP_TRANSFER_ENCODING" not in meta


def _raised(traceback: TracebackType | None, keys: object) -> _Raised:
    """Return the sources that declare `keys`: a serializer or form that ran, and who raised."""
    frame = None
    serializer: AnySerializer | None = None
    form: BaseForm | None = None
    while traceback is not None:
        frame = traceback.tb_frame
        for value in frame.f_locals.values():
            if _is_serializer(value) and _declares(value, keys):
                serializer = value
            elif (ran := _form_of(value)) is not None and _declares(ran, keys):
                form = ran
        traceback = traceback.tb_next
    names = frozenset[str]() if frame is None else frozenset(_literals(frame.f_code)) - _NO_FIELDS
    if form is None:
        return _Raised(serializer, names)
    return _Raised(serializer, names | form.fields.keys(), form.data)


def _form_of(value: object) -> BaseForm | None:
    """Return a form, or that of a filter set; None if its fields have other names on the wire."""
    form: object = value
    if any(cls.__module__ == "django_filters.filterset" for cls in type(value).__mro__):
        form = vars(value).get("_form")  # made when the filter set validates
    return form if isinstance(form, BaseForm) and not form.prefix else None


def _declares(serializer: object, keys: object) -> bool:
    fields: object = getattr(serializer, "fields", None)
    if not isinstance(fields, Mapping) or not isinstance(keys, Mapping):
        return False
    declared = cast("Mapping[object, object]", fields)  # of anything
    given = cast("Mapping[object, object]", keys)  # likewise
    return not declared.keys().isdisjoint(given)


def _literals(code: CodeType) -> Iterator[str]:
    for constant in code.co_consts:
        if isinstance(constant, str):
            yield constant
        elif isinstance(constant, tuple):  # the keys of a dict display, up to Python 3.13
            items = cast("tuple[object, ...]", constant)  # of anything
            for item in items:
                if isinstance(item, str):
                    yield item
