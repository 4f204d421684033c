"""What webargs, and flask-smorest with it, say of a request that they refuse.

They raise Werkzeug's exception with `data`: marshmallow's messages by location, and the schema. A
name that is in the messages is the service's only if the schema has it. Implements section 7 of the
V2 contract for them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from werkzeug.datastructures import Headers

from kaiko_middleware.validation import Failure

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from kaiko_middleware.validation import Kind, Where

__all__ = ["PARTS", "failures_in", "is_of_form", "text_in"]

PARTS: dict[object, Where] = {
    "query": "query",
    "querystring": "query",
    "headers": "header",
    "cookies": "cookie",
    "path": "path",
    "view_args": "path",
}
"""The locations that are not the body."""
_FORMS = {"form", "files", "form_and_files"}
"""The locations that are a form."""
_WHOLE = "_schema"
"""marshmallow's key for what is said of an object as a whole."""


def failures_in(data: Mapping[str, object]) -> list[Failure]:
    """Return what was refused; nothing where the service called `abort` itself.

    Arguments:
        data: what webargs puts on its exception.

    """
    messages, schema = data.get("messages"), data.get("schema")
    if not isinstance(messages, dict) or schema is None:
        return []
    said = cast("dict[object, object]", messages)
    return [
        Failure(kind, PARTS.get(location, "body"), path or None)
        for location, inside in said.items()
        for kind, path in _of_schema(schema, inside, "")
    ]


def is_of_form(data: Mapping[str, object]) -> bool:
    """Whether it is fields of a form that were refused: a form may be empty."""
    messages = data.get("messages")
    return isinstance(messages, dict) and not _FORMS.isdisjoint(
        cast("Mapping[str, object]", messages)
    )


def text_in(data: Mapping[str, object]) -> str | None:
    """Return the text that the service gave to `abort`."""
    message = data.get("message")
    return message if isinstance(message, str) else None


def headers_in(raised: Mapping[str, object], data: Mapping[str, object]) -> list[tuple[str, str]]:
    """Return the header fields that the service gave to `abort`, or to `use_args`.

    Arguments:
        raised: the attributes of the exception. Only webargs notes in `exc` what it was raised for;
            what others put into `data` is their body.
        data: what is on it.

    """
    given = data.get("headers") if "exc" in raised else None
    # Of any form that Werkzeug takes: webargs hands on what it was given.
    return [*Headers(cast("dict[str, str]", given)).items()] if given else []


def _of_schema(schema: Any, said: object, at: str) -> Iterator[tuple[Kind, str]]:
    if not isinstance(said, dict):
        yield "value", at
        return
    fields: dict[object, Any] = {
        field.data_key or name: field for name, field in schema.load_fields.items()
    }
    for key, inside in cast("dict[object, object]", said).items():
        field = fields.get(key)
        if key == _WHOLE:
            yield "value", at
        elif isinstance(key, int):  # of `many=True`
            yield from _of_schema(schema, inside, f"{at}[{key}]")
        elif field is None:
            yield "unknown", at
        else:
            yield from _of_field(field, inside, f"{at}.{key}" if at else str(key))


def _of_field(field: Any, said: object, at: str) -> Iterator[tuple[Kind, str]]:
    if not isinstance(said, dict):
        absent = isinstance(said, list) and field.error_messages.get("required") in said
        yield ("missing" if absent else "value"), at
        return
    messages = cast("dict[object, object]", said)
    if hasattr(field, "nested"):
        yield from _of_schema(field.schema, messages, at)
    elif hasattr(field, "inner"):
        for index, inside in messages.items():
            yield from _of_field(field.inner, inside, f"{at}[{index}]")
    else:  # a mapping, whose keys are the client's
        yield "value", f"{at}[*]" if hasattr(field, "value_field") else at
