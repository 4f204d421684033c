"""What Litestar's validation refused, with the client's names.

Litestar names Python's arguments, and of a pydantic model inside of another type not where it is.
So what it validated is taken from the frames of its exception, and validated once more, one
argument after the other. msgspec says where in an argument it stopped, and pydantic what it found
there. Implements section 7 of the V2 contract for Litestar.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from litestar.exceptions import SerializationException, ValidationException

from kaiko_middleware.known_exceptions import path_of
from kaiko_middleware.safe_exception import cause_of
from kaiko_middleware.validation import Failure, failure
from kaiko_middleware.validation.declared_path import schema_behind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kaiko_litestar._body import Connection
    from kaiko_middleware.frames import Frames
    from kaiko_middleware.validation import Kind, Where

__all__ = ["failures_of", "refused"]

_SIGNATURE = ("litestar._signature.model", "parse_values_from_connection_kwargs")
_DTO = ("litestar.dto.base_dto", "decode_bytes", "decode_builtins")
_PYDANTIC_DTO = ("litestar.plugins.pydantic.dto", "decode_bytes", "decode_builtins")
_EXTRACTOR = ("litestar._kwargs.extractors", "extractor")
_PARTS: tuple[Where, ...] = ("path", "query", "header", "cookie")
# The end of msgspec's texts.
_AT = re.compile(r" - at (`key` in )?`\$([^`]*)`$")
_MISSING = re.compile(r"Object missing required field `([^`]+)`")
_UNKNOWN = "Object contains unknown field "
_PYDANTIC = "pydantic_core._pydantic_core.ValidationError"


class _Name(NamedTuple):
    """What an argument is on the wire; `path` is None where it is all of a part."""

    where: Where
    path: str | None


_BODY = _Name("body", None)
_WHOLE = {
    "headers": _Name("header", None),
    "cookies": _Name("cookie", None),
    "query": _Name("query", None),
}
"""Arguments that are all of a part."""


def failures_of(exc: Exception, connection: Connection, frames: Frames) -> list[Failure]:
    """Return what validation refused; nothing if `exc` is not of Litestar's validation.

    Arguments:
        exc: Litestar's exception.
        connection: the request or the socket.
        frames: where `exc` was raised.

    """
    if not isinstance(exc, ValidationException | SerializationException):
        return []
    model = _kwargs_model(frames)
    values = frames.locals_of(*_SIGNATURE)
    if values:
        found = list(_of_arguments(values, _names(model)))
        return sorted(found, key=lambda each: (*_PARTS, "body").index(each.where))
    cause = cause_of(exc)
    if isinstance(cause, KeyError) and frames.locals_of(*_EXTRACTOR):
        return list(_of_parameters(model, connection))
    return _of_dto(cause) if frames.through(*_DTO) or frames.through(*_PYDANTIC_DTO) else []


def _kwargs_model(frames: Frames) -> Any:
    """Return Litestar's description of a handler's parameters."""
    values = frames.locals_of("litestar.routes.http", "_call_handler_function")
    if values:
        return values["parameter_model"]
    values = frames.locals_of("litestar.routes.websocket", "handle")
    return getattr(values.get("self"), "handler_parameter_model", None)


def _parameters(model: Any) -> Iterator[tuple[Where, Any]]:
    for where in _PARTS:
        for parameter in getattr(model, f"expected_{where}_params", ()):
            yield where, parameter


def _names(model: Any) -> dict[str, _Name]:
    names = _WHOLE.copy()
    for where, parameter in _parameters(model):
        names[parameter.field_name] = _Name(where, parameter.field_alias)
    return names


def _of_parameters(model: Any, connection: Connection) -> Iterator[Failure]:
    """Yield what is wrong with all parameters: Litestar names one that is missing, of any."""
    route: Any = connection.scope["route_handler"]
    annotations: dict[str, Any] = route.signature_model.__annotations__
    order = [*route.parsed_fn_signature.parameters]
    sources: dict[Where, Any] = {
        "path": connection.path_params,
        "query": connection.query_params.dict(),
        "header": connection.headers,
        "cookie": connection.cookies,
    }

    def position(pair: tuple[Where, Any]) -> tuple[int, int, str]:
        name = pair[1].field_name
        # One of a dependency is after the handler's own.
        at = order.index(name) if name in order else len(order)
        return _PARTS.index(pair[0]), at, name

    for where, parameter in sorted(_parameters(model), key=position):
        name, alias = parameter.field_name, parameter.field_alias
        if alias in sources[where]:
            value = sources[where][alias]
            if where == "query" and not parameter.is_sequence:
                value = value[-1]
            for kind, inside in refused(
                value, annotations.get(name, Any), route.default_deserializer
            ):
                yield Failure(kind, where, _path(alias, inside))
        elif parameter.is_required or parameter.default is Ellipsis:
            yield Failure("missing", where, alias)


def _of_arguments(values: dict[str, Any], names: dict[str, _Name]) -> Iterator[Failure]:
    """Validate each argument by itself; yield what is refused.

    Arguments:
        values: the variables of Litestar's function that validates.
        names: the wire's names of the arguments that are parameters.

    """
    model, given = values["cls"], values["kwargs"]
    for name, field in model._fields.items():
        where, path = names.get(name, _BODY)
        if name in given and name not in model._dependency_name_set:  # noqa: SLF001 - likewise
            annotation = model.__annotations__[name]
            for kind, inside in refused(given[name], annotation, values["deserializer"]):
                yield Failure(kind, where, _path(path, inside))
        elif name == "data" and not field.has_default:
            yield Failure("body", "body", None)


def refused(
    given: object, annotation: Any, deserializer: Callable[[Any, Any], Any]
) -> Iterator[tuple[Kind, str]]:
    """Yield what failed, and where inside of `given`."""
    of_model: list[BaseException] = []

    def decode(target: Any, value: Any) -> Any:
        try:
            return deserializer(target, value)
        except msgspec.ValidationError as exc:
            of_model.append(exc)
            raise ValueError from exc  # then msgspec says where it was

    try:
        # In a list, so that each text ends with a place: a client's name may look like one.
        msgspec.convert([given], list[annotation], strict=False, dec_hook=decode, str_keys=True)
    except msgspec.ValidationError as exc:
        kind, inside = _read(str(exc))
        inside = inside.removeprefix("[0]")
        failures = _of_pydantic(of_model[-1]) if of_model else []
        if not failures:
            yield kind, inside
        for failed in failures:
            yield failed.kind, f"{inside}.{failed.path}" if failed.path else inside
    except Exception:  # noqa: BLE001 - a decoder of the service's may raise anything
        yield "value", ""


def _of_pydantic(exc: BaseException) -> list[Failure]:
    """Return the failures of Litestar's error for a pydantic model."""
    cause = cause_of(exc)
    schema = None if cause is None else schema_behind(cause)
    records: list[dict[str, Any]] = getattr(exc, "errors", [])
    return [failure(each["type"], each["loc"], schema=schema) for each in records]


def _of_dto(exc: BaseException | None) -> list[Failure]:
    if isinstance(exc, msgspec.ValidationError):
        kind, inside = _read(str(exc))
        # Of an unknown field at the top, the client's name may look like a place.
        return [Failure(kind, "body", None if kind == "unknown" else _path(None, inside))]
    if exc is None or path_of(type(exc)) != _PYDANTIC:
        return []
    refused: Any = exc
    records: list[dict[str, Any]] = refused.errors(
        include_url=False, include_context=False, include_input=False
    )
    schema = schema_behind(exc)
    return [failure(each["type"], each["loc"], schema=schema) for each in records]


def _read(text: str) -> tuple[Kind, str]:
    """Return what one of msgspec's texts says, and the place that it names."""
    found = _AT.search(text)
    place = ""
    if found is not None:
        text = text[: found.start()]
        place = found[2].replace("[...]", "[*]") + ("[*]" if found[1] else "")
    missing = _MISSING.fullmatch(text)
    if missing is not None:
        return "missing", f"{place}.{missing[1]}"
    return ("unknown" if text.startswith(_UNKNOWN) else "value"), place


def _path(own: str | None, inside: str) -> str | None:
    return f"{own or ''}{inside}".removeprefix(".") or None
