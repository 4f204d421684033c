"""From Ninja's validation errors to failures with the client's names.

Ninja builds a model from the arguments of an operation, so its locations contain names of Python
arguments. `("body", "item", "name")` is `name` for the client if `item` is the only argument, and
`("query", "filters", "limit")` is `limit`. The models know the client's names. Ninja passes them
to `validation_error_from_error_contexts`, which is overridden here to keep them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kaiko_middleware.foreign_answer import error_from_reason
from kaiko_middleware.json_values import is_json_object
from kaiko_middleware.validation import Failure, error_from_records, failure
from kaiko_middleware.validation.failures import FORMS, PARTS, on_wire

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from django.http import HttpRequest
    from ninja import NinjaAPI
    from ninja.errors import ValidationError, ValidationErrorContext
    from pydantic_core import ErrorDetails

    from kaiko_middleware import KaikoError
    from kaiko_middleware.validation import Where

    Context = ValidationErrorContext[Any]
    Location = tuple[int | str, ...]
    _Record = tuple["_Arguments", ErrorDetails]

__all__ = ["error_of", "keep_contexts"]

_CONTEXTS = "_kaiko_contexts"
_METHOD = "validation_error_from_error_contexts"  # made to be overridden


def keep_contexts(api: NinjaAPI) -> None:
    """Store the models on each validation error of `api`, for `error_of`."""
    make: Callable[[list[Context]], ValidationError] = getattr(api, _METHOD)

    def keeping(error_contexts: list[Context]) -> ValidationError:
        error = make(error_contexts)
        setattr(error, _CONTEXTS, error_contexts)
        return error

    setattr(api, _METHOD, keeping)


def error_of(exc: ValidationError, request: HttpRequest) -> KaikoError:
    """Return the typed error for a validation error."""
    contexts: list[Context] | None = getattr(exc, _CONTEXTS, None)
    if contexts is None:  # the service raised it itself
        return error_from_reason(list[object](exc.errors))
    records = [record for context in contexts for record in _records_of(context)]

    def read(record: _Record) -> Failure:
        arguments, item = record
        failed = on_wire(arguments.failure(item["type"], item["loc"]))
        return arguments.of_whole(failed, request) or failed

    return error_from_records(records, read)


def _records_of(context: Context) -> Iterator[_Record]:
    arguments = _Arguments(context.model)
    details = context.pydantic_validation_error.errors(
        include_url=False, include_context=False, include_input=False
    )
    return ((arguments, item) for item in details)


class _Arguments:
    """One of Ninja's models: the arguments of an operation from one part of a request."""

    def __init__(self, model: Any) -> None:
        self._source: object = getattr(model, "__ninja_param_source__", None)
        self._where: Where = PARTS.get(self._source, "body")
        # The single argument that is the whole body.
        self._whole: object = getattr(model, "__read_from_single_attr__", None)
        # The client's names of an argument's fields in a query, a form and so on.
        self._flat: Mapping[Location, Location] = getattr(
            model, "__ninja_flatten_map_reverse__", {}
        )
        schema: object = getattr(model, "__pydantic_core_schema__", None)
        self._schema = schema if is_json_object(schema) else None

    def failure(self, error_type: str, location: Location) -> Failure:
        """Return the failure for pydantic's error, with the client's names."""
        found = self._read(error_type, location)
        own = ""
        depth = 1
        if self._whole is not None:
            if len(location) == 1 and found.kind == "missing":
                return Failure("body", "body", None)
        elif self._flat:
            lengths = range(len(location), 0, -1)
            depth = next((each for each in lengths if location[:each] in self._flat), 0)
            if not depth:  # the argument as a whole
                return Failure(found.kind, found.where, None)
            own = str(self._flat[location[:depth]][0])
        else:  # arguments are the names of the body's parts
            return found
        of_argument = self._read("value", location[:depth]).path or ""
        path = (own + (found.path or "").removeprefix(of_argument)).removeprefix(".")
        return Failure(found.kind, found.where, path or None)

    def of_whole(self, failed: Failure, request: HttpRequest) -> Failure | None:
        """Return what is wrong with the whole body: it is missing, or it has the wrong type."""
        if self._where != "body" or failed.kind != "missing":
            return None
        meta, form = request.META, self._source in {"form", "file"}
        if meta.get("CONTENT_LENGTH") in {None, "", "0"} and "HTTP_TRANSFER_ENCODING" not in meta:
            return None if form else Failure("body", "body", None)
        if form and request.content_type not in FORMS:
            return Failure("media_type", "body", None)
        return None

    def _read(self, error_type: str, location: Location) -> Failure:
        return failure(error_type, location, where=self._where, schema=self._schema)
