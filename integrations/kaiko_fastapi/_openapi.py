"""The error answers in FastAPI's OpenAPI document, by the core's rule for every framework.

FastAPI documents a 422 for every route with parameters or a body, with a schema that our clients
never get. It is removed first.
"""

from __future__ import annotations

import json
from copy import deepcopy
from types import MethodType, new_class
from typing import TYPE_CHECKING, Any

from kaiko_fastapi._responses import ID_HEADER, JSON
from kaiko_middleware import openapi as core
from kaiko_middleware.openapi import headers_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

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

    A service may assign its own `app.openapi` at any time, as FastAPI's documentation shows, and
    may call it before anything else runs. So the assignment itself is what we need to see:
    `app` gets a class of its own, whose `openapi` is a property.
    """
    cls = type(app)

    def get(app: FastAPI) -> Callable[[], Any]:
        generate: Callable[[], Any] = vars(app)["openapi"]
        return generate

    def assign(app: FastAPI, generate: Callable[[], Any]) -> None:
        ours = isinstance(generate, _Documented)  # assigned back, as test tools do
        vars(app)["openapi"] = generate if ours else _Documented(generate, app, config)

    def delete(app: FastAPI) -> None:
        assign(app, MethodType(cls.openapi, app))

    members = {name: getattr(cls, name) for name in ("__module__", "__qualname__", "__doc__")}
    members["openapi"] = property(get, assign, delete)
    generate = app.openapi
    app.__class__ = new_class(
        cls.__name__, (_Unannounced, cls), None, lambda body: body.update(members)
    )
    assign(app, generate)


class _Unannounced:
    """A first base, so that the service's class does not hear of the new subclass."""

    def __init_subclass__(cls) -> None:
        """Do nothing."""


class _Documented:
    """What makes an application's document, and adds the error answers to it.

    A document is rewritten once, and FastAPI's own copy is replaced, so each call returns the
    same document. If the service has changed that one since, it is rewritten again.

    Arguments:
        generate: makes the document: FastAPI's method, or the service's function.
        app: the application.
        config: the settings.

    """

    def __init__(self, generate: Callable[[], Any], app: FastAPI, config: Config) -> None:
        self._generate = generate
        self._app = app
        self._config = config
        self._last: Object = {}
        self._copy: Object = {}

    def __call__(self) -> Object:
        """Return the document."""
        document: Object = self._generate()
        if document is not self._last or document != self._copy:
            self._last = _rewritten(document, self._config)
            self._copy = deepcopy(self._last)
            if self._app.openapi_schema is document:
                self._app.openapi_schema = self._last
        return self._last


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
