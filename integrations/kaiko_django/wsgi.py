"""The layer around the whole WSGI application, for what no middleware can reach."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kaiko_django._layers import ENVIRON_ID
from kaiko_django._wsgi_body import Restoring, path_of
from kaiko_django._wsgi_response import WrappedResponse
from kaiko_django.conf import Setup
from kaiko_middleware import Config, current_request_id
from kaiko_middleware.ids import set_request_id

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

__all__ = ["WSGIWrapper"]


class WSGIWrapper:
    """Turns every error answer of the WSGI application it wraps into an envelope.

    An unmapped exception is answered and then raised again where the body ends, so that the
    server logs it as it would have (`Config.reraise`).

    Arguments:
        app: Django's handler, or any WSGI application around it.
        config: the settings; all defaults when left out.

    """

    def __init__(self, app: WSGIApplication, config: Config | None = None) -> None:
        self.app = app
        self._setup = Setup(Config() if config is None else config)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Serve one request."""
        setup = self._setup
        current = current_request_id()
        if not setup.everywhere and not setup.config.covers(path_of(environ)):
            if current is None:
                return self.app(environ, start_response)
            # It must not see the id of a request that called it in process.
            uncovered = Restoring(set_request_id(None))
            return uncovered.run(self.app, environ, start_response)
        request_id: object = environ.get(ENVIRON_ID)
        if not isinstance(request_id, str) or request_id != current:
            request_id = environ[ENVIRON_ID] = setup.request_id(environ)
        token = set_request_id(request_id)
        response = WrappedResponse(token, setup, environ, start_response, request_id)
        return response.run(self.app, environ, response.start)
