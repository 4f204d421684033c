"""Finding a service's OpenAPI document, and what it says about paths and fields.

The document is the service's own, so it is read as hostile input. A document that refers to other
places is not used: following it would send requests to hosts that nobody named.
"""

from __future__ import annotations

import json
from collections.abc import (  # noqa: TC003 - Field's annotations are read at run time
    Iterator,
    Mapping,
)
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from kaiko_middleware.extras import is_missing
from kaiko_middleware.json_values import is_json_list, is_json_object, items, members

from ._exchange import Request
from ._target import TargetError

if TYPE_CHECKING:
    from ._exchange import Headers

__all__ = [
    "DOCUMENT_LIMIT",
    "PLACES",
    "Document",
    "Field",
    "document_request",
    "read_document",
    "read_file",
]

PLACES = (
    "/openapi.json",
    "/schema/openapi.json",
    "/api/openapi.json",
    "/swagger.json",
    "/v3/api-docs",
)
"""Where documents usually are: FastAPI, Litestar, django-ninja, Swagger, Spring."""
DOCUMENT_LIMIT = 16 * 1024 * 1024  # bytes
_SAFE = ("get", "head", "options")
_METHODS = (*_SAFE, "post", "put", "patch", "delete")


# A value of each type; whether it is allowed beyond that is the service's business.
_SAMPLES: dict[str, object] = {
    "string": "kaiko", "integer": 1, "number": 1, "boolean": True, "array": [], "object": {},
}  # fmt: skip
_PLAIN = frozenset({"string", "integer", "number", "boolean"})


class Field(NamedTuple):
    """A parameter or a required field that can be spoiled.

    Arguments:
        method: the operation's method.
        path: its path; a `{name}` in it only for the field itself.
        place: `query`, `path` or `body`.
        name: the field.
        required: for a body, every field that is required.
        body: for a body, a value of the right type for each of these.

    """

    method: str
    path: str
    place: str
    name: str
    required: tuple[str, ...] = ()
    body: Mapping[str, object] = MappingProxyType({})

    def spoiled(self, mark: str) -> dict[str, object]:
        """Return the body with an object in place of the field."""
        return {**self.body, self.name: {mark: mark}}


class Document:
    """An OpenAPI document.

    Arguments:
        raw: the parsed document.

    Raises:
        TargetError: it is none, or refers to another host.

    """

    def __init__(self, raw: object) -> None:
        document = _mapping(raw)
        if not ("openapi" in document or "swagger" in document) or "paths" not in document:
            raise TargetError("It is no OpenAPI document: it has no 'openapi' or no 'paths'")
        foreign = next(_foreign_references(document), None)
        if foreign is not None:
            raise TargetError(f"The OpenAPI document refers to another place: {foreign[:120]}")
        self.raw = document

    def prefix(self, base: str) -> str:
        """Return what is put before the document's paths, by its first server.

        Arguments:
            base: the address that the user named; what it ends with is not put there again.

        """
        server = next((_mapping(each).get("url") for each in items(self.raw.get("servers"))), "")
        url = self.raw.get("basePath", server)
        path = urlsplit(url).path.rstrip("/") if isinstance(url, str) and "{" not in url else ""
        return "" if base.endswith(path) else path

    def operations(self, *, unsafe: bool) -> list[tuple[str, str]]:
        """Return the method (in capitals) and path of each operation.

        Arguments:
            unsafe: whether those that could change data count.

        """
        return [
            (method.upper(), path)
            for path, item in _mapping(self.raw["paths"]).items()
            for method in _mapping(item)
            if method in (_METHODS if unsafe else _SAFE)
        ]

    def first(self, method: str) -> str | None:
        """Return a path without parameters that takes a method; None if there is none."""
        for path, item in _mapping(self.raw["paths"]).items():
            operation = _mapping(item).get(method.lower())
            if operation is None or "{" in path:
                continue
            if method == "POST" and not _mapping(operation).get("requestBody"):
                continue
            if not any(
                parameter.get("required") and parameter.get("in") == "query"
                for parameter in self._parameters(_mapping(item), _mapping(operation))
            ):
                return path
        return None

    def fields(self, *, unsafe: bool) -> Iterator[Field]:
        """Yield what can be spoiled: typed parameters, and with `unsafe` bodies' fields."""
        for path, item in _mapping(self.raw["paths"]).items():
            for method, operation in _mapping(item).items():
                if method == "get":
                    yield from self._parameter_fields(path, _mapping(item), _mapping(operation))
                elif unsafe and method == "post" and "{" not in path:
                    yield from self._body_fields(path, _mapping(operation))

    def _parameter_fields(
        self, path: str, item: Mapping[str, Any], operation: Mapping[str, Any]
    ) -> Iterator[Field]:
        parameters = list(self._parameters(item, operation))
        for parameter in parameters:
            place, name = parameter.get("in"), parameter.get("name")
            others = path.replace(f"{{{name}}}", "")
            if not isinstance(name, str) or place not in {"query", "path"} or "{" in others:
                continue
            rest = [each for each in parameters if each is not parameter]
            if any(each.get("required") and each.get("in") != "header" for each in rest):
                continue
            if self._types(parameter) & {"integer", "number", "boolean"}:
                yield Field("GET", path, str(place), name)

    def _body_fields(self, path: str, operation: Mapping[str, Any]) -> Iterator[Field]:
        content = _mapping(self._resolve(operation.get("requestBody", {})).get("content"))
        schema = self._resolve(_mapping(content.get("application/json")).get("schema", {}))
        fields = _mapping(schema.get("properties"))
        required = tuple(name for name in fields if name in items(schema.get("required")))
        body = {name: _SAMPLES.get(self._type(fields[name])) for name in required}
        plain = [name for name in required if self._type(fields[name]) in _PLAIN]
        if plain:
            yield Field("POST", path, "body", plain[0], required, body)

    def _type(self, schema: object) -> str:
        return str(self._resolve(schema).get("type"))

    def _parameters(
        self, item: Mapping[str, Any], operation: Mapping[str, Any]
    ) -> Iterator[Mapping[str, Any]]:
        for parameter in (*items(item.get("parameters")), *items(operation.get("parameters"))):
            yield self._resolve(parameter)

    def _types(self, parameter: Mapping[str, Any]) -> set[str]:
        """Return the types of a parameter; none where it may also be any text."""
        schema = self._resolve(parameter.get("schema", parameter))
        choices = [self._resolve(each) for each in items(schema.get("anyOf"))] or [schema]
        found: set[str] = set()
        for choice in choices:
            said = choice.get("type")
            found |= {str(each) for each in (items(said) or [said])}
        return set[str]() if found & {"string", "array", "object", "None"} else found

    def _resolve(self, value: object) -> Mapping[str, Any]:
        """Follow `$ref` within the document, a bounded number of times."""
        for _ in range(20):
            found = _mapping(value)
            reference = found.get("$ref")
            if not isinstance(reference, str):
                return found
            value = self.raw
            for part in reference.removeprefix("#/").split("/"):
                value = _mapping(value).get(part.replace("~1", "/").replace("~0", "~"))
        return {}


def document_request(place: str, headers: Headers) -> Request:
    """Return the request for a document at a path of the service."""
    kept = [pair for pair in headers if pair[0].lower() not in {"accept", "accept-encoding"}]
    asked = ("Accept", "application/json"), ("Accept-Encoding", "identity")
    return Request("GET", place, (*asked, *kept))


def read_document(text: bytes) -> Document:
    """Return the document in an answer or a file: JSON, or YAML where its library is installed.

    Raises:
        TargetError: it is no document that can be used.

    """
    try:
        return Document(json.loads(text))
    except (ValueError, RecursionError) as exc:
        problem = f"{exc}"[:200]
    if is_missing("yaml"):
        raise TargetError(f"The OpenAPI document is no JSON: {problem}")
    yaml: Any = import_module("yaml")  # comes with schemathesis
    try:
        value: object = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as exc:
        said = f"The OpenAPI document is neither JSON nor YAML: {problem}"
        raise TargetError(said) from exc
    return Document(value)


def read_file(name: str) -> Document:
    """Return the document in a file.

    Raises:
        TargetError: it cannot be read, or is no document.

    """
    try:
        return read_document(Path(name).read_bytes())
    except OSError as exc:
        raise TargetError(f"{name} cannot be read: {exc}") from exc


def _foreign_references(value: object, depth: int = 0) -> Iterator[str]:
    """Yield references to anything but the document itself."""
    if depth > 100:
        raise TargetError("The OpenAPI document is nested too deep")
    if is_json_object(value):
        for name, item in value.items():
            if name == "$ref" and isinstance(item, str) and not item.startswith("#"):
                yield item
            yield from _foreign_references(item, depth + 1)
    elif is_json_list(value):
        for item in value:
            yield from _foreign_references(item, depth + 1)


def _mapping(value: object) -> Mapping[str, Any]:
    return members(value)
