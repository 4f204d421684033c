"""Puts the envelope, with examples, into the operations of a finished OpenAPI document."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from kaiko_middleware.author_text import author_text
from kaiko_middleware.catalog import STATUSES, known_codes
from kaiko_middleware.errors import KaikoError, MissingFieldError
from kaiko_middleware.json_values import is_json_object, members
from kaiko_middleware.make_error import error_for_status, error_from_class
from kaiko_middleware.render import render
from kaiko_middleware.validation import Failure, error_from_failures

from .headers import headers_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from kaiko_middleware.config import Config

    Object = dict[str, Any]

__all__ = ["document_errors", "errors_of", "examples"]

_EXAMPLE_ID = "req-7f65ab21d1"
_JSON = "application/json"
_REF = "#/components/schemas/"
_METHODS = frozenset({"get", "put", "post", "delete", "options", "head", "patch", "trace"})
_RANGES = {"4XX": 400, "5XX": 500, "default": 500}
_ANY_ERROR = "Any other error"


def errors_of(*classes: type[KaikoError]) -> dict[int, list[KaikoError]]:
    """Return the errors of `classes` by status.

    Arguments:
        classes: classes of typed errors, the toolkit's or the service's own.

    Raises:
        TypeError: an argument is something else.

    >>> from kaiko_middleware import ConflictError, NotFoundError
    >>> [*errors_of(NotFoundError, ConflictError)]
    [404, 409]
    """
    found: dict[int, list[KaikoError]] = {}
    for cls in classes:
        _require_class(cls)
        error = _raised(cls)
        found.setdefault(error.status, []).append(error)
    return dict(sorted(found.items()))


def _require_class(given: object) -> None:
    if not isinstance(given, type) or not issubclass(given, KaikoError):
        msg = f"responses() takes classes of KaikoError, not {given!r}"
        raise TypeError(msg)


def _raised(cls: type[KaikoError]) -> KaikoError:
    try:
        return cls("messages") if issubclass(cls, MissingFieldError) else cls()
    except TypeError:  # a class of the service that needs other arguments
        return error_from_class(cls)


def examples(errors: Iterable[KaikoError]) -> Object:
    """Return OpenAPI example objects for `errors`, one for each code.

    The value is what is sent; the summary is the class's description, where it has one.
    """
    described = {(known.status, known.code): known.description for known in known_codes()}
    return {
        error.code: {
            "summary": described.get((error.status, error.code)) or error.message,
            "value": json.loads(render(error, _EXAMPLE_ID).body),
        }
        for error in errors
    }


def document_errors(
    document: dict[str, Any], config: Config, *, root_path: str = "", everywhere: bool = False
) -> None:
    """Add the error answers to `document`, in place, on the paths that `config` covers.

    Every error answer that an operation declares gets the envelope as its schema, the headers of
    section 4 and an example for each code. The answers for validation, authentication and a missing
    resource are added, and a `default` for the rest. A second call changes nothing.

    Arguments:
        document: a whole document, which no other code uses.
        config: the settings.
        root_path: the prefix in the document's paths that the application is served under.
        everywhere: whether every path is covered, for documents whose paths are not the served
            ones.

    """
    _Document(document, config).rewrite(root_path, everywhere=everywhere)


class _Document:
    def __init__(self, document: Object, config: Config) -> None:
        self._document = document
        self._config = config
        components: Object = document.setdefault("components", {})
        self._schemas: Object = components.setdefault("schemas", {})
        self._parameters: Object = components.get("parameters", {})
        self._envelope = place_schemas(self._schemas, str(document.get("openapi", "")))

    def rewrite(self, root_path: str, *, everywhere: bool) -> None:
        paths: Object = self._document.get("paths", {})
        for path, item in paths.items():
            if everywhere or self._config.covers(path, root_path):
                for method in _METHODS & item.keys():
                    self._operation(item[method], item.get("parameters", []))

    def _operation(self, operation: Object, shared: list[Object]) -> None:
        said: Object = {str(key): value for key, value in operation.get("responses", {}).items()}
        added = {str(status): errors for status, errors in self._usual(operation, shared).items()}
        if "4XX" in said:  # the service documents client errors itself
            added.clear()
        added.setdefault("default", [error_for_status(500), error_for_status(503)])
        answers: Object = {}
        for key in sorted({*said, *added}, key=lambda key: (key == "default", key)):
            status = _RANGES.get(key) or (int(key) if key.isdecimal() else 0)
            if status < 400:
                answers[key] = said[key]
                continue
            if key not in _RANGES and status in STATUSES:  # 502 becomes 503
                status = STATUSES[status].status
            name = key if key in _RANGES else str(status)
            answers[name] = self._answer(name, status, said.get(key), added.get(key, []))
        ints = any(isinstance(key, int) for key in operation.get("responses", ()))  # as Ninja's are
        operation["responses"] = {
            int(key) if ints and key.isdecimal() else key: answer for key, answer in answers.items()
        }

    def _answer(
        self, key: str, status: int, said: Object | None, added: list[KaikoError]
    ) -> Object:
        said = {} if said is None else said
        shown = dict(_shown(said))
        if said and not shown and not self._config.rewrite_answers:
            return said  # such answers are not rewritten
        shown = {**shown, **{k: v for k, v in examples(added).items() if k not in shown}}
        usual = _ANY_ERROR if key in _RANGES else STATUSES[status].message
        description = author_text(str(said.get("description", "")), status)
        content: Object = {"schema": {"$ref": self._envelope}}
        if shown:
            content["examples"] = shown
        return {
            **{name: value for name, value in said.items() if name in {"links", "summary"}},
            "description": usual if description is None else description,
            "headers": {
                **headers_of(None if key in _RANGES else status, self._config.request_id_header),
                **said.get("headers", {}),
            },
            "content": {_JSON: content},
        }

    def _usual(self, operation: Object, shared: list[Object]) -> dict[int, list[KaikoError]]:
        """Return an operation's usual errors, from its parameters and body."""
        given = [*shared, *operation.get("parameters", [])]
        parameters = [self._parameters.get(_name(each), each) for each in given]
        parameters = [each for each in parameters if "name" in each]
        body: Object | None = operation.get("requestBody")
        required, named = self._fields_of(body)
        failures: list[Failure] = []
        if required is not None:
            failures.append(Failure("missing", "body", required))
        # A path parameter is never missing: the route would not be found.
        absent = [each for each in parameters if each["in"] != "path" and each.get("required")]
        failures += [Failure("missing", "query", each["name"]) for each in absent[:1]]
        failures += [Failure("value", "query", each["name"]) for each in parameters[:1]]
        if body is not None:
            if _JSON in body.get("content", {}):
                failures.append(Failure("json", "body", None))
            failures.append(Failure("body", "body", None))
        usual: dict[int, list[KaikoError]] = {}
        if failures:
            usual[400] = [error_from_failures([each]) for each in failures]
        if operation.get("security", self._document.get("security")):
            usual |= {status: [error_for_status(status)] for status in (401, 403)}
        if any(each["in"] == "path" for each in parameters):
            usual[404] = [error_for_status(404)]
        if body is not None:
            usual[422] = [error_from_failures([Failure("value", "body", named)])]
        return usual

    def _fields_of(self, body: Object | None) -> tuple[str | None, str | None]:
        """Return the names of a required field and of any field of the body, for the examples."""
        for media in (body or {}).get("content", {}).values():
            schema: Object = media.get("schema", {})
            schema = self._schemas.get(_name(schema), schema)
            properties: Object = schema.get("properties", {})
            names = [name for name in properties if not properties[name].get("readOnly")]
            required = [name for name in names if name in schema.get("required", ())]
            return next(iter(required), None), next(iter((*required, *names)), None)
        return None, None


def place_schemas(schemas: Object, version: str) -> str:
    """Put the envelope's schemas among the components; return the reference to it."""
    from kaiko_middleware.wire import ErrorEnvelope  # noqa: PLC0415 - pydantic, 150 ms

    envelope = ErrorEnvelope.model_json_schema(
        mode="serialization", ref_template=f"{_REF}{{model}}"
    )
    body: Object = envelope.pop("$defs")["ErrorBody"]
    if version.startswith("3.0"):  # it has no type "null"
        param: Object = body["properties"]["param"]
        param.update(param.pop("anyOf")[0], nullable=True)
    prefix = ""
    wanted = {"ErrorBody": body, "ErrorEnvelope": envelope}
    if any(schemas.get(name, wanted[name]) != wanted[name] for name in wanted):
        prefix = "Kaiko"  # a schema of the service has the name
    envelope["properties"]["error"]["$ref"] = f"{_REF}{prefix}ErrorBody"
    schemas.update({f"{prefix}{name}": schema for name, schema in wanted.items()})
    return f"{_REF}{prefix}ErrorEnvelope"


def _shown(said: Object) -> Iterator[tuple[str, Object]]:
    """Yield the examples of an answer that are envelopes, by code."""
    for media in said.get("content", {}).values():
        listed = (media.get("example"), *media.get("schema", {}).get("examples", ()))
        shown: list[Object] = [{"value": value} for value in listed]
        for example in (*media.get("examples", {}).values(), *shown):
            envelope = _envelope(example.get("value"))
            if envelope is not None:
                error = envelope["error"]
                yield error["code"], {"summary": error["message"], **example, "value": envelope}


def _envelope(value: object) -> Object | None:
    from kaiko_middleware.wire import ErrorEnvelope  # noqa: PLC0415 - pydantic, 150 ms

    error = members(value).get("error")
    if not is_json_object(error):
        return None
    # Generators leave out nulls.
    envelope = ErrorEnvelope.parse(json.dumps({"error": {"param": None, **error}}))
    return None if envelope is None else envelope.model_dump()


def _name(schema: Object) -> str:
    """Return the name of the referenced component; empty if there is none."""
    return str(schema.get("$ref", "")).rpartition("/")[2]
