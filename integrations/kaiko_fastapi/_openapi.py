"""The error answers in FastAPI's OpenAPI document, by the core's rule for every framework.

FastAPI documents a 422 for every route with parameters or a body, with a schema that our clients
never get. It is removed first.
"""

from __future__ import annotations

import json
from copy import deepcopy
from typing import TYPE_CHECKING, Any

from kaiko_fastapi._responses import ID_HEADER, JSON
from kaiko_middleware import openapi as core
from kaiko_middleware.openapi import headers_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fastapi import FastAPI

    from kaiko_middleware import Config

    Object = dict[str, Any]

_REF = "#/components/schemas/"
_METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_AUTOMATIC = {"$ref": f"{_REF}HTTPValidationError"}
_ID = headers_of(None, ID_HEADER)[ID_HEADER]
# FastAPI's own schemas, and its names for ours where the service has models of the same name.
_REPLACED = (
    "HTTPValidationError",
    "ValidationError",
    "kaiko_middleware__wire__ErrorEnvelope",
    "kaiko_middleware__wire__ErrorBody",
)


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
            last = _rewritten(document, config)
            if app.openapi_schema is document:
                app.openapi_schema = last
        return last

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI documents this very line


def _rewritten(document: Object, config: Config) -> Object:
    """Return a copy of `document` with the error answers."""
    document = deepcopy(document)
    of_others = [document.get("webhooks", {})]  # and callbacks: other services answer them
    for path, item in document.get("paths", {}).items():
        for operation in _operations(item):
            of_others += operation.get("callbacks", {}).values()
            if config.covers(path):
                if _remove_automatic(operation):
                    # Also if only parameters are validated that the document does not show.
                    operation["responses"].setdefault("400", {})
                _remove_default_name(operation.get("responses", {}), config)
    for item in (item for items in of_others for item in items.values()):
        for operation in _operations(item):
            _remove_automatic(operation)
    core.document_errors(document, config)
    for name in _REPLACED:
        if f'"{_REF}{name}"' not in json.dumps(document):
            document["components"]["schemas"].pop(name, None)
    return document


def _operations(item: Object) -> Iterator[Object]:
    """Yield the operations of a path item."""
    return (item[method] for method in _METHODS if method in item)


def _remove_automatic(operation: Object) -> bool:
    """Remove FastAPI's 422; return whether there was one."""
    responses: Object = operation.get("responses", {})
    content: Object = responses.get("422", {}).get("content", {})
    is_automatic: bool = content.get(JSON, {}).get("schema") == _AUTOMATIC
    if is_automatic:
        del responses["422"]
    return is_automatic


def _remove_default_name(responses: Object, config: Config) -> None:
    """Remove the id header of `responses()` where the configuration gives it another name."""
    if config.request_id_header != ID_HEADER:
        for response in responses.values():
            if response.get("headers", {}).get(ID_HEADER) == _ID:
                del response["headers"][ID_HEADER]
