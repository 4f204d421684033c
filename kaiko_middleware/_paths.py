"""From a validator's location to a path made of declared names only.

A location of pydantic's (`("messages", 0, "UserMessage", "role")`) mixes the names that
the service declared with labels of union branches and with keys that the client chose.
Walking it along the model's core schema tells them apart: `messages[0].role`, and
`meta[*]` for a key of a mapping. Implements the path rules of section 7 of the contract.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    # pydantic's core schemas are open dictionaries of a hundred shapes.
    Schema = Mapping[str, Any]
    Location = Sequence[int | str]

_SEQUENCES = frozenset({"list", "set", "frozenset", "generator", "tuple"})
_WRAPPED = ("schema", "lax_schema", "json_schema", "python_schema", "strict_schema")


def declared_path(schema: Schema | None, location: Location) -> str | None:
    """Return `location` as a path, as far as `schema` declares it; None where nothing is."""
    if schema is None:
        return None
    segments, _ = _walk(schema, tuple(location), {}, 0)
    return render_path(segments)


def render_path(segments: Sequence[str]) -> str | None:
    """Join names with dots and brackets without, or return None for no segments."""
    return "".join(part if part[0] == "[" else f".{part}" for part in segments).lstrip(".") or None


_Walked = tuple[tuple[str, ...], int]
_NOTHING: _Walked = ((), 0)


def _walk(schema: Schema, loc: tuple[int | str, ...], defs: dict[str, Schema], depth: int) -> _Walked:
    """Return the segments declared for `loc`, and how many of its items they took."""
    if not loc or depth > 200:
        return _NOTHING
    kind = schema.get("type")
    depth += 1
    if kind == "definitions":
        known = defs | {item["ref"]: item for item in schema["definitions"] if "ref" in item}
        return _walk(schema["schema"], loc, known, depth)
    if kind == "definition-ref":
        target = defs.get(schema["schema_ref"])
        return _NOTHING if target is None else _walk(target, loc, defs, depth)
    if kind in {"model-fields", "typed-dict", "dataclass-args"}:
        return _walk_fields(schema, loc, defs, depth)
    if kind in _SEQUENCES:
        if not isinstance(loc[0], int):
            return _NOTHING
        inner = _item_schema(schema, loc[0])
        rest = _walk(inner, loc[1:], defs, depth) if inner is not None else _NOTHING
        return (f"[{loc[0]}]", *rest[0]), 1 + rest[1]
    if kind == "dict":
        values: Schema = schema.get("values_schema", {})
        rest = _walk(values, loc[1:], defs, depth)
        return ("[*]", *rest[0]), 1 + rest[1]
    best = _NOTHING
    for branch, skip in _branches(schema, loc[0]):
        segments, taken = _walk(branch, loc[skip:], defs, depth)
        if taken + skip > best[1] and segments:
            best = segments, taken + skip
    return best


def _branches(schema: Schema, item: int | str) -> Iterator[tuple[Schema, int]]:
    """Yield what `schema` wraps or chooses from, and how many location items that costs."""
    kind = schema.get("type")
    if kind == "union":
        for choice in schema["choices"]:
            yield (choice[0] if isinstance(choice, tuple) else choice), 1
    elif kind == "tagged-union":
        choice = schema["choices"].get(item)
        while isinstance(choice, str):  # a tag that stands for another one
            choice = schema["choices"].get(choice)
        if choice is not None:
            yield choice, 1
    elif kind == "chain":
        for step in schema["steps"]:
            yield step, 0
    else:
        for key in _WRAPPED:
            inner = schema.get(key)
            if isinstance(inner, dict):
                yield inner, 0


def _walk_fields(
    schema: Schema, loc: tuple[int | str, ...], defs: dict[str, Schema], depth: int
) -> _Walked:
    fields = schema["fields"]
    pairs: Sequence[tuple[str, Schema]] = (
        tuple(fields.items())
        if isinstance(fields, dict)
        else tuple((field["name"], field) for field in fields)
    )
    for name, field in pairs:
        for names in ([name], *_aliases(field.get("validation_alias"))):
            if loc[: len(names)] == tuple(names):
                rest = _walk(field["schema"], loc[len(names) :], defs, depth)
                own = tuple(f"[{part}]" if isinstance(part, int) else part for part in names)
                return (*own, *rest[0]), len(names) + rest[1]
    return _NOTHING


def _aliases(alias: object) -> Iterator[list[int | str]]:
    if isinstance(alias, str):
        yield [alias]
    elif isinstance(alias, list) and alias:
        if isinstance(alias[0], list):
            for choice in alias:
                yield choice
        else:
            yield alias


def _item_schema(schema: Schema, position: int) -> Schema | None:
    items = schema.get("items_schema")
    if isinstance(items, list):
        index = min(position, len(items) - 1)
        return items[index] if items else None
    return items


def schema_of(source: object) -> Schema | None:
    """Return the core schema of a model class or a TypeAdapter, or None."""
    for name in ("core_schema", "__pydantic_core_schema__"):
        schema = getattr(source, name, None)
        if isinstance(schema, dict):
            return schema
    return None


def schema_behind(exc: BaseException) -> Schema | None:
    """Return the core schema of the model that raised `exc`, by the frames it came through.

    A ValidationError does not know its model; the frame of pydantic's that ran the
    validator does, as `cls` or `self`.
    """
    traceback = exc.__traceback__
    found: Schema | None = None
    while traceback is not None:
        frame = traceback.tb_frame
        if frame.f_globals.get("__name__", "").partition(".")[0] == "pydantic":
            for name in ("cls", "self", "__dataclass_self__"):
                found = schema_of(frame.f_locals.get(name)) or found
        traceback = traceback.tb_next
    return found
