"""What a route declares, as core schemas that tell its names from a client's keys.

The location of a validation failure mixes both. FastAPI stores the fields of a route's parameters
and body. Their schemas are joined here into one for each part of the request. They are made when
the route first fails, and kept.
"""

from __future__ import annotations

import warnings
from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, Union, get_args, get_origin

from fastapi.dependencies.models import Dependant
from fastapi.params import Form
from pydantic import BaseModel, Field, Json, PydanticUserError, TypeAdapter

from kaiko_middleware.json_values import is_json_object

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Protocol

    from pydantic.fields import FieldInfo
    from starlette.types import Scope

    from kaiko_middleware.validation import Failure

    Schema = Mapping[str, Any]

    class Parameter(Protocol):
        """The part of FastAPI's description of a parameter that is read."""

        @property
        def alias(self) -> str: ...
        @property
        def field_info(self) -> FieldInfo: ...


class Declared(NamedTuple):
    """What one route declares.

    `schemas` has one core schema for each of `path`, `query`, `header`, `cookie` and `body`.
    `form` says that the body is a form. `media_type` is the body's, or empty. `failures` caches
    the failures for validation records.
    """

    schemas: Mapping[str, Schema]
    form: bool
    media_type: str
    failures: dict[tuple[str, tuple[object, ...]], Failure]


_ANY: Schema = {"type": "any"}


class Declarations:
    """The declarations of an application's routes."""

    def __init__(self) -> None:
        # By identity: FastAPI's classes compare by value and cannot be hashed. The stored
        # objects keep their ids from being reused.
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
    """Return the route; for a route of an included router, its included form."""
    route: object = scope.get("route")
    # FastAPI does not document the latter. If it is not found under this name, the parameters
    # of the inclusion's dependencies have no name.
    held: object = scope.get("fastapi")
    if is_json_object(held):
        included = held.get("effective_route_context")
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
        fields: FastAPI's description of each parameter.
        hyphens: whether locations may also call a model's `x_token` `x-token`.
        embedded: whether a model may also appear under its own name.

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
    """Yield the model that `annotation` is, or the models of its union."""
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _models(get_args(annotation)[0])
    elif origin is Union or origin is UnionType:
        for choice in get_args(annotation):
            yield from _models(choice)
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation


def _schema_of(info: FieldInfo) -> Schema:
    """Return the core schema that FastAPI uses to validate a field."""
    annotation: Any = info.annotation
    for item in info.metadata:
        annotation = Annotated[annotation, item]
    if info.discriminator is not None:
        annotation = Annotated[annotation, Field(discriminator=info.discriminator)]
    try:
        with warnings.catch_warnings():
            # FastAPI has already warned about misplaced settings, or chose not to.
            warnings.simplefilter("ignore")
            return TypeAdapter[Any](annotation).core_schema
    except (PydanticUserError, NameError):  # then names below this field are unknown
        return _ANY
