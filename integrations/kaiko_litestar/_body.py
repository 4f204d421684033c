"""What a route declares of its body, and what the request says of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kaiko_middleware.validation.failures import FORMS

if TYPE_CHECKING:
    from typing import TypeAlias

    from litestar.connection import ASGIConnection

    Connection: TypeAlias = ASGIConnection[Any, Any, Any, Any]

__all__ = ["is_absent", "is_form", "is_of_wrong_type"]


def is_of_wrong_type(connection: Connection, *, unreadable: bool = False) -> bool:
    """Whether the request's body has another content type than the route reads.

    Litestar reads any type. So JSON is of the wrong type only where it cannot be read.

    Arguments:
        connection: the request.
        unreadable: whether the body could not be read at all.

    """
    kind = connection.headers.get("content-type", "").partition(";")[0].strip().lower()
    declared = _declared_type(connection)
    if declared in FORMS:
        return kind not in FORMS and not is_absent(connection)
    is_json = kind.startswith("application/") and kind.endswith(("/json", "+json"))
    return unreadable and not is_json and kind not in {"", declared}


def is_form(connection: Connection) -> bool:
    """Whether the route reads a form."""
    return _declared_type(connection) in FORMS


def is_absent(connection: Connection) -> bool:
    """Whether the request has no body."""
    headers = connection.headers
    return headers.get("content-length", "0") == "0" and "transfer-encoding" not in headers


def _declared_type(connection: Connection) -> str:
    scope: dict[str, Any] = {**connection.scope}
    field = getattr(scope.get("route_handler"), "parsed_data_field", None)
    definition: object = getattr(field, "kwarg_definition", None)
    media_type: object = getattr(definition, "media_type", "")
    return str(getattr(media_type, "value", media_type))
