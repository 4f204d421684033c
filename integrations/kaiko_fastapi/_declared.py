"""What a route declares, as the core schemas that tell its own names from a client's keys.

A location of a validation failure mixes both. FastAPI keeps, for each route, the fields
of its parameters and of its body; their schemas are joined here into one for each part of
the request, made when the route first fails and kept from then on.
"""

from __future__ import annotations

import warnings
from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, Union, cast, get_args, get_origin

from fastapi.dependencies.models import Dependant
from fastapi.params import Form
from pydantic import BaseModel, Field, Json, PydanticUserError, TypeAdapter

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Protocol

    from pydantic.fields import FieldInfo
    from starlette.types import Scope

    from kaiko_middleware.validation import Failure

    Schema = Mapping[str, Any]

    class Parameter(Protocol):
        """What is read of FastAPI's own description of a parameter."""

        @property
        def alias(self) -> str: ...
        @property
        def field_info(self) -> FieldInfo: ...


class Declared(NamedTuple):
    """What one route declares.

    `schemas` has one core schema for each of `path`, `query`, `header`, `cookie` and
    `body`; `form` says that the body is a form; `media_type` is the body's, or empty;
    `failures` keeps what records of validation were found to stand for.
    """

    schemas: Mapping[str, Schema]
    form: bool
    media_type: str
    failures: dict[tuple[str, tuple[object, ...]], Failure]


_ANY: Schema = {"type": "any"}


class Declarations:
    """Knows what the routes of an application declare."""

    def __init__(self) -> None:
        # By identity: FastAPI's classes compare by value and cannot be hashed. What is
        # kept here keeps the identities from being used again.
        self._known: dict[int, tuple[Dependant, Declared]] = {}

    def of(self, scope: Scope) -> Declared:
        """Return what the route that serves `scope` declares."""
        route = _route(scope)
        dependant: object = getattr(route, "dependant", None)
        if not isinstance(dependant, Dependant):
            return Declared({}, form=False, media_type="", failures={})
        found = self._known.get(id(dependant))
        if found is None:
            declared = _read(dependant, getattr(route, "body_field", None))
            found = self._known[id(dependant)] = dependant, declared
        return found[1]


def _route(scope: Scope) -> object:
    """Return the route, and for one of an included router what the inclusion made of it."""
    route: object = scope.get("route")
    # FastAPI documents no way to the latter. Where it is not found under this name, the
    # dependencies of the inclusion go unknown: their parameters then have no name.
    held: object = scope.get("fastapi")
    if isinstance(held, dict):
        included = cast("dict[str, object]", held).get("effective_route_context")
        if getattr(included, "original_route", None) is route:
            return included
    return route


def _read(dependant: Dependant, body: Parameter | None) -> Declared:
    every = list(_flat(dependant))
    schemas = {
        "path": _joined(field for each in every for field in each.path_params),
        "query": _joined(field for each in every for field in each.query_params),
        "header": _joined((field for each in every for field in each.header_params), hyphens=True),
        "cookie": _joined(field for each in every for field in each.cookie_params),
    }
    if body is None:
        return Declared(schemas, form=False, media_type="", failures={})
    info = body.field_info
    form = isinstance(info, Form)
    if form:
        # A model that is a form gives its fields to the form itself.
        schemas["body"] = _joined(
            (field for each in every for field in each.body_params), embedded=True
        )
    else:
        # FastAPI made one model of several body parameters.
        schemas["body"] = _schema_of(info)
    return Declared(schemas, form, getattr(info, "media_type", ""), {})


def _flat(dependant: Dependant) -> Iterator[Dependant]:
    yield dependant
    for inner in dependant.dependencies:
        yield from _flat(inner)


def _joined(
    fields: Iterable[Parameter], *, hyphens: bool = False, embedded: bool = False
) -> Schema:
    """Return one schema for several fields: plain ones by alias, models by their own fields.

    Arguments:
        fields: what FastAPI knows of each parameter.
        hyphens: whether a model's `x_token` is called `x-token` in locations as well.
        embedded: whether a model may stand under its own name as well.

    """
    named: dict[str, Schema] = {}
    models: list[Schema] = []
    for field in fields:
        info = field.field_info
        schema = _schema_of(info)
        found = [] if _is_json(info) else list(_models(info.annotation))
        if found:
            models.append(schema)
            if hyphens:
                for name, inner in (pair for each in found for pair in each.model_fields.items()):
                    named[name.replace("_", "-")] = {"schema": _schema_of(inner)}
        if embedded or not found:
            named |= {alias: {"schema": schema} for alias in _aliases(field)}
    fields_of_all: Schema = {"type": "typed-dict", "fields": named}
    return {"type": "chain", "steps": [fields_of_all, *models]}


def _aliases(field: Parameter) -> Iterator[str]:
    yield field.alias
    alias: object = field.field_info.validation_alias
    choices: list[object] = getattr(alias, "choices", [alias])
    for choice in choices:
        if isinstance(choice, str):
            yield choice


def _is_json(info: FieldInfo) -> bool:
    return any(type(item) is Json for item in info.metadata)


def _models(annotation: object) -> Iterator[type[BaseModel]]:
    """Yield the models that `annotation` is, or chooses from."""
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _models(get_args(annotation)[0])
    elif origin is Union or origin is UnionType:
        for choice in get_args(annotation):
            yield from _models(choice)
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation


def _schema_of(info: FieldInfo) -> Schema:
    """Return the core schema that FastAPI validates a field by."""
    annotation: Any = info.annotation
    for item in info.metadata:
        annotation = Annotated[annotation, item]
    if info.discriminator is not None:
        annotation = Annotated[annotation, Field(discriminator=info.discriminator)]
    try:
        with warnings.catch_warnings():
            # FastAPI has warned of what it is told in the wrong place, or chose not to.
            warnings.simplefilter("ignore")
            return TypeAdapter[Any](annotation).core_schema
    except (PydanticUserError, NameError):  # then nothing below this field has a name
        return _ANY
