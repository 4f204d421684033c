"""A service on Falcon: its error handler has the middleware answer."""

from __future__ import annotations

from typing import Any

import falcon

from kaiko_middleware import Config, NotFoundError
from kaiko_wsgi import KaikoMiddleware

api = falcon.App(cors_enable=True)
app = KaikoMiddleware(api, Config(paths=("/v2",)))


def on_error(req: falcon.Request, resp: falcon.Response, ex: Exception, _params: Any) -> None:
    # As a text: Sentry's integration for Falcon, as of 2.40, fails where a status is a number.
    resp.status = falcon.code_to_http_status(app.answer(ex, req.env).status)


def as_json(_req: falcon.Request, resp: falcon.Response, ex: falcon.HTTPError) -> None:
    resp.content_type, resp.data = falcon.MEDIA_JSON, ex.to_json()


api.add_error_handler(Exception, on_error)
api.set_error_serializer(as_json)


class Context:
    def on_get(self, _req: falcon.Request, _resp: falcon.Response, name: str) -> None:
        raise NotFoundError(f"Context '{name}' has expired")

    def on_delete(self, _req: falcon.Request, _resp: falcon.Response, name: str) -> None:
        raise falcon.HTTPConflict(description=f"Context '{name}' is in use")


api.add_route("/v2/contexts/{name}", Context())
