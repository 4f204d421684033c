"""Where the layers of one request keep what they tell each other: scope or environ.

An outer layer (our application wrapper, or the ASGI middleware of an application that Django
is mounted in) leaves the id; the middleware leaves what it answered, so that the answer is
neither parsed nor reported again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django.core.handlers.asgi import ASGIRequest

from kaiko_middleware import current_request_id
from kaiko_middleware.layers import REQUEST_ID, Layers, layers_of
from kaiko_wsgi.environ import ENVIRON_ID

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from django.http import HttpRequest

__all__ = ["layers_in", "outer_id"]


def outer_id(request: HttpRequest) -> str | None:
    """Return the id that an outer layer of the toolkit gave to the request, if there is one."""
    if isinstance(request, ASGIRequest):
        state: dict[str, object] = request.scope.get("state") or {}
        found = state.get(REQUEST_ID)
    else:
        found = request.META.get(ENVIRON_ID)
    # It is the current one, too; what a server left of another request's state is not.
    if isinstance(found, str) and found == current_request_id():
        return found
    return None


def layers_in(request: HttpRequest, request_id: str) -> Layers:
    """Return what the layers of this request tell each other."""
    store: MutableMapping[str, Any]
    if isinstance(request, ASGIRequest):
        # Its stub names a mapping that cannot be changed.
        store = cast("MutableMapping[str, Any]", request.scope).setdefault("state", {})
    else:
        store = request.META
    return layers_of(store, request_id)
