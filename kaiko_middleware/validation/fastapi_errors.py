"""Reading FastAPI's list of validation errors, for services without our handlers.

The list says where each failure is, but not which names the service declared. So a name is used
only at a position where a client's key cannot be. Status and type are the same as for the
exception itself. Implements section 7 of the V2 contract.
"""

from __future__ import annotations

from typing import cast

from kaiko_middleware.json_values import is_json_object, members

from .failures import FORMS, KINDS, PARTS, Failure


def read_failures(detail: list[object], request_type: str | None) -> tuple[Failure, ...]:
    """Return the failures in a `{"detail": […]}`.

    Arguments:
        detail: the list.
        request_type: the request's Content-Type; empty if it has none, None if unknown.

    """
    found = (_read(item, request_type) for item in detail if is_json_object(item))
    return tuple(each for each in found if each is not None)


def _read(item: dict[str, object], request_type: str | None) -> Failure | None:
    given = item.get("loc")
    location: list[object] = []
    if isinstance(given, (list, tuple)):
        location = list(cast("list[object]", given))  # of anything
    if not location or not isinstance(location[0], str):
        return None
    where = PARTS.get(location[0], "body")
    said = item.get("type")
    error_type = said if isinstance(said, str) else ""
    kind = KINDS.get(error_type, "value")
    if error_type == "union_tag_not_found" and _names_tag(item.get("ctx")):
        return Failure("missing", where, None)
    if where == "body":
        if kind == "missing" and location == ["body"]:
            return Failure("body", where, None)
        if _is_of_wrong_type(error_type, location, request_type):
            return Failure("media_type", where, None)
    # After the first name, a location may contain the client's own keys.
    last = location[-1]
    named = last if len(location) == 2 and isinstance(last, str) else None
    if kind == "json" and (where != "body" or named is not None):
        kind = "value"
    if kind == "unknown" or (kind == "value" and where == "body"):
        named = None
    return Failure(kind, where, named)


def _names_tag(context: object) -> bool:
    """Whether a field distinguishes a union's members; otherwise a function does."""
    tag = members(context).get("discriminator")
    return isinstance(tag, str) and tag.startswith("'")


def _is_of_wrong_type(error_type: str, location: list[object], request_type: str | None) -> bool:
    """Whether the body failed because of its content type: FastAPI then validates it raw."""
    if request_type is None:
        return False
    kind = request_type.partition(";")[0].strip().lower()
    if kind.startswith("application/") and kind.endswith(("/json", "+json")):
        return False
    if location == ["body"]:
        return error_type.endswith("_type")
    # A form's fields fail like any others, and without a type there may be no body.
    return kind not in FORMS and kind != ""
