"""The components of an OpenAPI document that describe a service's codes, without its operations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kaiko_middleware.catalog import STATUSES
from kaiko_middleware.make_error import error_for_status

from .document import examples, place_schemas
from .headers import headers_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kaiko_middleware.catalog import CodeEntry

__all__ = ["error_components"]


def error_components(
    entries: Iterable[CodeEntry], *, id_header: str = "X-Request-ID", version: str = "3.1.0"
) -> dict[str, Any]:
    """Return the `components` of an OpenAPI document: the envelope, and an answer for each status.

    Arguments:
        entries: the codes. A status's answer has an example for each of its codes.
        id_header: the name of the id header.
        version: the document's version of OpenAPI, 3.0 or 3.1.

    >>> from kaiko_middleware.catalog import known_codes
    >>> components = error_components(known_codes())
    >>> components["responses"]["Error404"]["description"]
    'The resource was not found'
    >>> sorted(components["schemas"])
    ['ErrorBody', 'ErrorEnvelope']
    """
    schemas: dict[str, Any] = {}
    envelope = place_schemas(schemas, version)
    by_status: dict[int, list[CodeEntry]] = {}
    for entry in sorted(entries, key=lambda entry: (entry.status, entry.code)):
        by_status.setdefault(entry.status, []).append(entry)
    return {
        "responses": {
            f"Error{status}": {
                "description": STATUSES[status].message,
                "headers": headers_of(status, id_header),
                "content": {
                    "application/json": {
                        "schema": {"$ref": envelope},
                        "examples": _examples(found),
                    }
                },
            }
            for status, found in by_status.items()
        },
        "schemas": schemas,
    }


def _examples(entries: list[CodeEntry]) -> dict[str, Any]:
    shown = examples(
        error_for_status(entry.status, entry.meaning, code=entry.code, param=entry.param)
        for entry in entries
    )
    for entry in entries:  # of a code that no class defines, the process does not know it
        shown[entry.code]["summary"] = entry.description or entry.meaning
    return shown
