"""What Flask-RESTX and Flask-RESTful say of a request that they refuse.

Their request parsers tell it by the name of an argument, and Flask-RESTX's models by jsonschema's
errors. A name is the service's only if a parser or a schema has it. Implements section 7 of the V2
contract for them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from flask import request

from kaiko_middleware.validation import Failure

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from kaiko_middleware.frames import Frames
    from kaiko_middleware.validation import Where

__all__ = ["refused_by_parser", "refused_by_schema"]

_PARSERS = ("flask_restx.reqparse", "flask_restful.reqparse")
_LOCATIONS: dict[object, Where] = {
    "args": "query",
    "values": "query",
    "headers": "header",
    "cookies": "cookie",
}


def refused_by_parser(data: Mapping[str, object], frames: Frames) -> list[Failure]:
    """Return what a request parser refused; nothing where it refused nothing.

    Arguments:
        data: what is on the exception; empty where it does not know an argument.
        frames: the frames that the exception came through.

    """
    for module in _PARSERS:
        parser: Any = frames.locals_of(module, "parse_args").get("self")
        if parser is None:
            continue
        if not data and frames.innermost == module:
            return [Failure("unknown", "body", None)]
        said = data.get("errors", data.get("message"))
        if isinstance(said, dict):
            return [
                Failure(
                    "missing" if _is_absent(argument) else "value",
                    _LOCATIONS.get(argument.location, "body"),
                    argument.name,
                )
                for argument in parser.args
                if argument.name in cast("dict[str, object]", said)
            ]
    return []


def _is_absent(argument: Any) -> bool:
    given = argument.source(request)
    names = (argument.name + each.replace("=", "", 1) for each in argument.operators)
    return argument.required and not any(name in given for name in names)


def refused_by_schema(frames: Frames) -> list[Failure]:
    """Return what a model of Flask-RESTX's refused; nothing where it refused nothing."""
    given = frames.locals_of("flask_restx.model", "validate")
    if not given:
        return []
    return [_of_error(error) for error in given["validator"].iter_errors(given["data"])]


def _of_error(error: Any) -> Failure:
    at = "".join(_names(error)).removeprefix(".")
    if error.validator == "additionalProperties":
        return Failure("unknown", "body", at or None)
    if error.validator == "required":
        # There is an error for each name.
        (name,) = (each for each in error.validator_value if error.message.startswith(repr(each)))
        return Failure("missing", "body", f"{at}.{name}" if at else name)
    return Failure("value", "body", at or None)


def _names(error: Any) -> Iterator[str]:
    """Yield the parts of the path to what was refused, with the names that the schema has."""
    schema, keys = iter(error.absolute_schema_path), iter(error.absolute_path)
    for step in schema:
        if step == "properties":
            next(schema)
            yield f".{next(keys)}"
        elif step == "items":
            yield f"[{next(keys, '*')}]"
        # Where no key is left, the step is itself what refused.
        elif step in {"additionalProperties", "patternProperties"} and next(keys, None) is not None:
            yield "[*]"
