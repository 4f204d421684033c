"""The headers of section 4 of the V2 contract as OpenAPI header objects."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

_TEXT = {"type": "string"}
_COUNT = {"type": "integer", "minimum": 0}


def _header(description: str, schema: dict[str, Any], *, required: bool = False) -> dict[str, Any]:
    return {"description": description, "required": required, "schema": schema}


_ID = _header(
    "The id of the request, the same as in the body; support can find it.", _TEXT, required=True
)
_SHOULD_RETRY = _header(
    "Whether the request may be sent again.",
    {"type": "string", "enum": ["true", "false"]},
    required=True,
)
_RETRY_AFTER = {"Retry-After": _header("Seconds to wait before the next try.", _COUNT)}
_BY_STATUS: dict[int | None, dict[str, Any]] = {
    401: {"WWW-Authenticate": _header("How to authenticate.", _TEXT, required=True)},
    429: {
        **_RETRY_AFTER,
        "X-RateLimit-Limit": _header("Requests that the window allows.", _COUNT),
        "X-RateLimit-Remaining": _header("Requests that are left in it.", _COUNT),
        "X-RateLimit-Reset": _header("Seconds until the window is full again.", _COUNT),
    },
    503: _RETRY_AFTER,
    None: _RETRY_AFTER,
}


def headers_of(status: int | None, id_header: str) -> dict[str, Any]:
    """Return the headers of an error answer.

    Arguments:
        status: its status; None for any.
        id_header: the name of the id header.

    """
    # Shared objects would become anchors and aliases in a document's YAML.
    return deepcopy({id_header: _ID, "X-Should-Retry": _SHOULD_RETRY, **_BY_STATUS.get(status, {})})
