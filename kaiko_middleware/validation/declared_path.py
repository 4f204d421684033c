"""From a validator's location to a path that contains only declared names.

pydantic's location (`("messages", 0, "UserMessage", "role")`) mixes names that the service
declared with labels of union branches and keys that the client chose. A walk along the model's
core schema tells them apart: `messages[0].role`, and `meta[*]` for a key of a mapping. Implements
the path rules of section 7 of the contract.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from kaiko_middleware.json_values import is_json_object

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import TypeAlias

    # pydantic's core schemas are open dictionaries of a hundred shapes.
    Schema: TypeAlias = Mapping[str, Any]
    Location: TypeAlias = Sequence[int | str]

# At the end of a location: the field that distinguishes the members of a tagged union.
TAG = "\0tag"
_SEQUENCES = frozenset({"list", "set", "frozenset", "generator", "tuple"})
_FIELDS = {
    "model-fields": "fields",
    "typed-dict": "fields",
    "dataclass-args": "fields",
    "named-tuple": "fields",
    "arguments": "arguments_schema",
}
# A client can also send these as a list: named tuples, which older pydantics treat as a call.
_POSITIONAL = frozenset({"named-tuple", "arguments"})
_WRAPPED = (
    "schema",
    "arguments_schema",
    "lax_schema",
    "json_schema",
    "python_schema",
    "strict_schema",
)
# Steps from schema to schema: more than any path needs, and far below Python's own limit.
_DEEPEST = 200


def declared_path(schema: Schema | None, location: Location) -> str | None:
    """Return `location` as a path, as far as `schema` declares it; None if nothing is declared."""
    if schema is None:
        return None
    return render_path(_Walk(location).at(schema, 0)[0])


def is_declared(schema: Schema, location: Location) -> bool:
    """Whether `schema` itself has the last item of `location`: a field, or a tuple's position."""
    walk = _Walk(location)
    walk.at(schema, 0)
    return len(location) - 1 in walk.named


def is_object(schema: Schema, location: Location) -> bool:
    """Whether `schema` itself says which fields there may be beside the last item."""
    walk = _Walk(location)
    walk.at(schema, 0)
    return len(location) - 1 in walk.objects


def render_path(segments: Sequence[str]) -> str | None:
    """Join names with dots, and brackets without dots; return None for no segments."""
    path = "".join(part if part.startswith("[") else f".{part}" for part in segments)
    return path.removeprefix(".") or None


_Walked = tuple[tuple[str, ...], int]
_NOTHING: _Walked = ((), 0)


class _Walk:
    """One walk of a location along a schema.

    Each pair of a schema and a position is visited once. Otherwise a deeply nested body could
    multiply the branches of recursive unions.
    """

    def __init__(self, location: Location) -> None:
        self._location = tuple(location)
        self._definitions: dict[str, Schema] = {}
        self._seen: dict[tuple[int, int], _Walked] = {}
        self._depth = 0
        self.named: set[int] = set()
        """Positions of names, and of positions in tuples, that a schema declares."""
        self.objects: set[int] = set()
        """Positions where a schema declares the fields of an object."""

    def at(self, schema: Schema, position: int) -> _Walked:
        """Return the segments declared from `position` on, and the number of items they use."""
        if position >= len(self._location) or self._depth >= _DEEPEST:
            return _NOTHING
        key = id(schema), position
        if key not in self._seen:
            self._seen[key] = _NOTHING  # for a schema that leads back to itself
            self._depth += 1
            self._seen[key] = self._step(schema, position)
            self._depth -= 1
        return self._seen[key]

    def _step(self, schema: Schema, position: int) -> _Walked:
        kind = schema["type"]
        item = self._location[position]
        if kind == "definitions":
            self._definitions.update((each["ref"], each) for each in schema["definitions"])
            return self.at(schema["schema"], position)
        if kind == "definition-ref":
            return self.at(self._definitions[schema["schema_ref"]], position)
        if kind in _FIELDS:
            return self._field(schema, position)
        if kind in _SEQUENCES:
            return self._item(schema, position, item) if isinstance(item, int) else _NOTHING
        if kind == "dict":
            return (
                _NOTHING
                if item == TAG
                else self._inside("[*]", schema.get("values_schema"), position, 1)
            )
        if kind == "tagged-union" and item == TAG:
            name = _discriminator(schema["discriminator"])
            return _NOTHING if name is None else ((name,), 1)
        best = _NOTHING
        for branch, skip in _branches(schema, item):
            segments, taken = self.at(branch, position + skip)
            if segments and taken + skip > best[1]:
                best = segments, taken + skip
        return best

    def _item(self, schema: Schema, position: int, item: int) -> _Walked:
        if schema["type"] == "tuple":
            self.named.add(position)
        return self._inside(f"[{item}]", _item_schema(schema, item), position, 1)

    def _inside(self, name: str, schema: Schema | None, position: int, taken: int) -> _Walked:
        """Return `name` with the segments of the rest of the location."""
        rest = _NOTHING if schema is None else self.at(schema, position + taken)
        return (name, *rest[0]), taken + rest[1]

    def _field(self, schema: Schema, position: int) -> _Walked:
        self.objects.add(position)
        fields = _fields(schema)
        for name, field in fields:
            aliases = _aliases(field.get("validation_alias", field.get("alias")))
            options: list[list[int | str]] = [[name], *aliases]
            for names in options:
                taken = len(names)
                if self._location[position : position + taken] == tuple(names):
                    self.named.add(position + taken - 1)
                    own = render_path([f"[{at}]" if isinstance(at, int) else at for at in names])
                    return self._inside(own or "", field["schema"], position, taken)
        item = self._location[position]
        if schema["type"] in _POSITIONAL and isinstance(item, int) and item < len(fields):
            self.named.add(position)
            return self._inside(f"[{item}]", fields[item][1]["schema"], position, 1)
        return _NOTHING


def _branches(schema: Schema, item: int | str) -> Iterator[tuple[Schema, int]]:
    """Yield the schemas that `schema` wraps or chooses from, and the location items they skip."""
    kind = schema["type"]
    if kind == "union":
        for choice in schema["choices"]:
            yield (choice[0] if isinstance(choice, tuple) else choice), 1
    elif kind == "tagged-union":
        choices: dict[object, Schema] = schema["choices"]
        for choice in [choices[item]] if item in choices else choices.values():
            yield choice, 1
    elif kind == "chain":
        for step in schema["steps"]:
            yield step, 0
    else:
        for key in _WRAPPED:
            inner = schema.get(key)
            if isinstance(inner, dict):
                yield inner, 0


def _fields(schema: Schema) -> list[tuple[str, Schema]]:
    fields: dict[str, Schema] | list[Schema] = schema[_FIELDS[schema["type"]]]
    if isinstance(fields, dict):
        return list(fields.items())
    return [(field["name"], field) for field in fields]


def _aliases(alias: object) -> list[list[int | str]]:
    """Return the paths of an alias: one, or one for each choice."""
    if not isinstance(alias, list):
        return [[alias]] if isinstance(alias, str) else []
    paths = cast("list[list[int | str]] | list[int | str]", alias)  # so pydantic's schema has them
    return cast("list[list[int | str]]", paths if isinstance(paths[0], list) else [paths])  # ditto


def _discriminator(declared: object) -> str | None:
    """Return the field that distinguishes a tagged union's members; None for a function."""
    if isinstance(declared, list):  # the field's own name, then its alias
        declared = cast("list[list[str]]", declared)[-1][-1]  # so pydantic's core schema has it
    return declared if isinstance(declared, str) else None


def _item_schema(schema: Schema, position: int) -> Schema | None:
    items: Schema | list[Schema] | None = schema.get("items_schema")
    if isinstance(items, list):
        return items[min(position, len(items) - 1)] if items else None
    return items


def schema_of(source: object) -> Schema | None:
    """Return the core schema of a model class or a TypeAdapter, or None."""
    for name in ("__pydantic_core_schema__", "core_schema"):
        schema: object = getattr(source, name, None)
        if is_json_object(schema):
            return schema
    return None


def schema_behind(exc: BaseException) -> Schema | None:
    """Return the core schema of the model that raised `exc`, from its traceback.

    A ValidationError does not know its model, but pydantic's frame that ran the validator does, as
    `cls` or `self`.
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
