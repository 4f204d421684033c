"""Where the layers of one request keep what they tell each other: scope or environ.

An outer layer (our application wrapper, or the ASGI middleware of an application that Django
is mounted in) leaves the id; the middleware leaves what it answered, so that the answer is
neither parsed nor reported again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django.core.handlers.asgi import ASGIRequest

from kaiko_middleware.layers import REQUEST_ID, Layers, layers_of
from kaiko_wsgi.environ import ENVIRON_ID

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from django.http import HttpRequest

__all__ = ["layers_in", "outer_id"]


def outer_id(request: HttpRequest) -> object:
    """Return the id that an outer layer of the toolkit gave to the request, if there is one."""
    key = REQUEST_ID if isinstance(request, ASGIRequest) else ENVIRON_ID
    return _store_of(request).get(key)


def layers_in(request: HttpRequest, request_id: str) -> Layers:
    """Return what the layers of this request tell each other."""
    return layers_of(_store_of(request), request_id)


def _store_of(request: HttpRequest) -> MutableMapping[str, Any]:
    if isinstance(request, ASGIRequest):
        # Its stub names a mapping that cannot be changed.
        scope = cast("MutableMapping[str, MutableMapping[str, Any]]", request.scope)  # see above
        return scope.setdefault("state", {})
    return request.META
