"""The error answers in Litestar's OpenAPI document, by the core's rule for every framework.

Litestar documents a 400 for every route with parameters or a body, and what `raises=` names, with
a schema that our clients never get. It is removed first.
"""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Any

from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Example

from kaiko_middleware import KaikoError
from kaiko_middleware import openapi as core
from kaiko_middleware.catalog import STATUSES
from kaiko_middleware.openapi import errors_of, examples

if TYPE_CHECKING:
    from collections.abc import Iterable

    from litestar.handlers import HTTPRouteHandler
    from litestar.openapi import OpenAPIConfig
    from litestar.openapi.spec import OpenAPI

    from kaiko_middleware import Config

    Object = dict[str, Any]

__all__ = ["document_raises", "documented", "responses"]

_METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_OF_LITESTAR = {"status_code", "detail", "extra"}


def responses(*classes: type[KaikoError]) -> dict[int, ResponseSpec]:
    """Return the `responses=` of a handler that raises `classes`.

    Arguments:
        classes: classes of typed errors, the toolkit's or the service's own.

    Raises:
        TypeError: an argument is something else.

    >>> from kaiko_middleware import ConflictError, NotFoundError
    >>> [*responses(NotFoundError, ConflictError)]
    [404, 409]
    """
    return {
        status: ResponseSpec(
            dict[str, Any],  # the plugin puts the envelope's schema there
            generate_examples=False,
            description=STATUSES[status].message,
            examples=[Example(**shown) for shown in examples(errors).values()],
        )
        for status, errors in errors_of(*classes).items()
    }


def document_raises(handlers: Iterable[HTTPRouteHandler]) -> None:
    """Let `raises=` name typed errors as well."""
    for handler in handlers:
        raised: list[Any] = list(handler.raises or ())
        typed = [cls for cls in raised if issubclass(cls, KaikoError)]
        if typed:
            handler.raises = [cls for cls in raised if cls not in typed]
            handler.responses = {**responses(*typed), **(handler.responses or {})}


def documented(openapi_config: OpenAPIConfig, config: Config) -> OpenAPIConfig:
    """Return a copy of `openapi_config` whose documents show the error answers."""
    generate = openapi_config.to_openapi_schema

    def to_openapi_schema() -> OpenAPI:
        document = generate()
        render = document.to_schema

        def to_schema() -> Object:
            rendered = render()
            _remove_litestars(rendered, config)
            core.document_errors(rendered, config)
            return rendered

        document.to_schema = to_schema  # type: ignore[method-assign]  # of this one
        return document

    changed = copy(openapi_config)
    changed.to_openapi_schema = to_openapi_schema  # type: ignore[method-assign]  # likewise
    return changed


def _remove_litestars(document: Object, config: Config) -> None:
    for path, item in document.get("paths", {}).items():
        for method in _METHODS:
            answers: Object = item.get(method, {}).get("responses", {})
            for status, answer in answers.items():
                if config.covers(path) and _is_litestars(answer):
                    answers[status] = {}  # the core says what it is


def _is_litestars(answer: Object) -> bool:
    for media in answer.get("content", {}).values():
        schema: Object = media.get("schema", {})
        for each in schema.get("oneOf", [schema]):
            if each.get("properties", {}).keys() == _OF_LITESTAR:
                return True
    return False
