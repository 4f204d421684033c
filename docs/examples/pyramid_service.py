"""A service on Pyramid: an exception view has the middleware answer typed errors."""

# pyright: basic
# Pyramid has no types.

from __future__ import annotations

from typing import Any

from pyramid.config import Configurator
from pyramid.response import Response

from kaiko_middleware import Config, KaikoError, NotFoundError
from kaiko_wsgi import KaikoMiddleware


def context(request: Any) -> Response:
    raise NotFoundError(f"Context '{request.matchdict['name']}' has expired")


def on_error(exc: KaikoError, request: Any) -> Response:
    return Response(status=app.answer(exc, request.environ).status)


with Configurator() as config:
    config.add_route("context", "/v2/contexts/{name}")
    config.add_view(context, route_name="context")
    config.add_exception_view(on_error, context=KaikoError)
    app = KaikoMiddleware(config.make_wsgi_app(), Config(paths=("/v2",)))
