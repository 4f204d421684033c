"""The error answers in FastAPI's OpenAPI document: the envelope instead of FastAPI's schema.

FastAPI documents a 422 for every route with parameters or a body, with a schema that our clients
never get. It is replaced by the 400 and the 422 of section 7 of the contract.
"""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any, cast

from kaiko_fastapi._responses import ID_HEADER, JSON, entry
from kaiko_middleware import ErrorEnvelope
from kaiko_middleware.openapi import examples
from kaiko_middleware.validation import Failure, error_from_failures

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fastapi import FastAPI

    from kaiko_middleware import Config, KaikoError

    Object = dict[str, Any]

_REF = "#/components/schemas/"
_METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_AUTOMATIC = f"{_REF}HTTPValidationError"
# With these keys a service documents its errors itself; FastAPI then adds nothing either.
_OWN_WORD = frozenset({"4XX", "default"})


def document_errors(app: FastAPI, config: Config) -> None:
    """Add the error answers to the document of `app.openapi()`.

    A document is rewritten once, and FastAPI's own copy is replaced, so each call returns the
    same document.
    """
    generate = app.openapi
    last: Object = {}

    def openapi() -> Object:
        nonlocal last
        document = generate()
        if document is not last:
            last = _Document(document, config).rewrite()
            if app.openapi_schema is document:
                app.openapi_schema = last
        return last

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI documents this very line


class _Document:
    """One document being rewritten, as a copy."""

    def __init__(self, document: Object, config: Config) -> None:
        self._document = deepcopy(document)
        self._config = config
        components: Object = self._document.setdefault("components", {})
        self._schemas: Object = components.setdefault("schemas", {})
        self._envelope = self._place_schemas()

    def rewrite(self) -> Object:
        """Rewrite it all; return the document."""
        for path, item in self._document.get("paths", {}).items():
            covered = self._config.covers(path)
            for operation in _operations(item):
                if covered:
                    self._operation(operation)
                for callback in operation.get("callbacks", {}).values():
                    self._of_others(callback)
        self._of_others(self._document.get("webhooks", {}))
        self._remove_unused()
        return self._document

    def _place_schemas(self) -> str:
        """Put the envelope's schemas among the components; return the reference to it."""
        schema = ErrorEnvelope.model_json_schema(
            mode="serialization", ref_template=f"{_REF}{{model}}"
        )
        wanted: Object = {**schema.pop("$defs"), "ErrorEnvelope": schema}
        taken = any(self._schemas.get(name, wanted[name]) != wanted[name] for name in wanted)
        if taken:  # by models of the service: ours then gets a longer name
            for name in list(wanted):
                wanted[f"Kaiko{name}"] = wanted.pop(name)
            error = wanted["KaikoErrorEnvelope"]["properties"]["error"]
            error["$ref"] = f"{_REF}KaikoErrorBody"
        self._schemas |= wanted
        return f"{_REF}KaikoErrorEnvelope" if taken else f"{_REF}ErrorEnvelope"

    def _operation(self, operation: Object) -> None:
        responses: Object = operation.setdefault("responses", {})
        automatic = _is_automatic(responses.get("422"))
        if automatic:
            del responses["422"]
        for response in responses.values():
            self._tidy(response)
        takes_body = "requestBody" in operation
        if (automatic or takes_body or operation.get("parameters")) and not (
            _OWN_WORD & responses.keys()
        ):
            field = self._field_of(operation.get("requestBody"))
            refused = _bad_requests(operation.get("parameters", []), field, takes_body=takes_body)
            self._add(responses, 400, refused)
            if takes_body:
                self._add(responses, 422, _errors(Failure("value", "body", field)))

    def _add(self, responses: Object, status: int, errors: list[KaikoError]) -> None:
        """Document `errors`, and keep what the service says about the same status."""
        said: Object | None = responses.get(str(status))
        if said is None:
            said = responses[str(status)] = entry(status, errors)
            said["content"][JSON]["schema"] = {"$ref": self._envelope}
            self._name_header(said)
        content: Object = said.get("content", {}).get(JSON, {})
        if content.get("schema") == {"$ref": self._envelope} and "example" not in content:
            content["examples"] = {**examples(errors), **content.get("examples", {})}

    def _tidy(self, response: Object) -> None:
        """Correct FastAPI's version of an entry from `responses()`."""
        content: Object = response.get("content", {})
        ours = [media for media in content if self._is_envelope(content[media].get("schema"))]
        if not ours:
            return
        for media in ours:
            if media != JSON:  # FastAPI uses the success's content type for every model
                del content[media]
        content.setdefault(JSON, {})["schema"] = {"$ref": self._envelope}
        self._name_header(response)
        for example in content[JSON].get("examples", {}).values():
            error: object = example.get("value", {}).get("error")
            if isinstance(error, dict):  # FastAPI leaves out nulls, but clients get them
                members = cast("Object", error)
                example["value"]["error"] = {
                    name: members.get(name)
                    for name in ("type", "code", "message", "param", "request_id")
                }

    def _is_envelope(self, schema: object) -> bool:
        """Whether `schema` refers to the envelope, whatever name FastAPI gave it."""
        if not isinstance(schema, dict):
            return False
        name = str(cast("Object", schema).get("$ref", "")).removeprefix(_REF)
        found: Object = self._schemas.get(name, {})
        ours: Object = self._schemas[self._envelope.removeprefix(_REF)]
        return all(found.get(key) == ours[key] for key in ("title", "description"))

    def _name_header(self, response: Object) -> None:
        headers: Object = response.get("headers", {})
        name = self._config.request_id_header
        if name != ID_HEADER and ID_HEADER in headers:
            response["headers"] = {name: headers[ID_HEADER], **headers}
            del response["headers"][ID_HEADER]

    def _of_others(self, items: Object) -> None:
        """Remove the automatic 422 from callbacks and webhooks, which others answer."""
        for item in items.values():
            for operation in _operations(item):
                if _is_automatic(operation.get("responses", {}).get("422")):
                    del operation["responses"]["422"]

    def _field_of(self, body: Object | None) -> str | None:
        """Return the name of a field of the body for the examples, if possible a required one."""
        for media in (body or {}).get("content", {}).values():
            schema: Object = media.get("schema", {})
            schema = self._schemas.get(schema.get("$ref", "").removeprefix(_REF), schema)
            for name in (*schema.get("required", ()), *schema.get("properties", ())):
                return str(name)
        return None

    def _remove_unused(self) -> None:
        """Remove schemas that are no longer used: FastAPI's own, and a second envelope."""
        again = [name for name in self._schemas if self._is_envelope({"$ref": f"{_REF}{name}"})]
        for name in ("HTTPValidationError", "ValidationError", *again):
            reference = f"{_REF}{name}"
            if reference != self._envelope and reference not in _references(self._document):
                self._schemas.pop(name, None)


def _operations(item: Object) -> Iterator[Object]:
    """Yield the operations of a path item."""
    return (item[method] for method in _METHODS if method in item)


def _is_automatic(response: Object | None) -> bool:
    content: Object = (response or {}).get("content", {})
    schema: object = content.get(JSON, {}).get("schema")
    return schema == {"$ref": _AUTOMATIC}


def _bad_requests(
    parameters: list[Object], field: str | None, *, takes_body: bool
) -> list[KaikoError]:
    """Return an operation's 400 errors, with the names of its parameters and field."""
    # A path parameter is never missing: the route would not be found.
    absent = [each["name"] for each in parameters if each["in"] != "path" and each["required"]]
    named = [field] if field is not None else absent[:1]
    failures = [Failure("missing", "body", each) for each in named]
    failures += [Failure("value", "query", each["name"]) for each in parameters[:1]]
    if takes_body:
        failures += [Failure("json", "body", None), Failure("body", "body", None)]
    return _errors(*failures)


def _errors(*failures: Failure) -> list[KaikoError]:
    return [error_from_failures([each]) for each in failures]


def _references(node: object) -> Iterator[object]:
    """Yield every `$ref` below `node`."""
    if isinstance(node, dict):
        for name, value in cast("Object", node).items():
            if name == "$ref":
                yield value
            else:
                yield from _references(value)
    elif isinstance(node, list):
        for value in cast("list[object]", node):
            yield from _references(value)
