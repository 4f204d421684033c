"""The WSGI middleware around a Flask application, outside of any other that is put around it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kaiko_middleware.headers import prefers_html
from kaiko_wsgi import KaikoMiddleware

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from flask import Flask

    from kaiko_middleware import Config

__all__ = ["shows_debug_page", "surround"]

_SURROUNDED = "kaiko_flask.surrounded"
"""The key of the application that a layer outside of `app.wsgi_app` serves."""


class FlaskLayer(KaikoMiddleware):
    """`kaiko_wsgi.KaikoMiddleware`, which knows Flask's debug mode."""

    def __init__(self, wsgi_app: WSGIApplication, config: Config, flask_app: Flask) -> None:
        super().__init__(wsgi_app, config)
        self._flask_app = flask_app

    def shows_debug_page(self, environ: WSGIEnvironment, /) -> bool:
        """Whether Flask's debug pages are left alone here."""
        return shows_debug_page(self._flask_app, environ)


class InnerLayer(FlaskLayer):
    """The layer at `app.wsgi_app`; it does nothing where there is one outside of it."""

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Serve one request."""
        if environ.get(_SURROUNDED) is self._flask_app:
            return self.app(environ, start_response)
        return super().__call__(environ, start_response)


def shows_debug_page(app: Flask, environ: WSGIEnvironment) -> bool:
    """Whether Flask runs in debug and the client prefers HTML, such as the debugger's page."""
    return app.debug and prefers_html(environ.get("HTTP_ACCEPT", ""))


def surround(app: Flask, config: Config) -> None:
    """Put a layer around `app.wsgi_app`, and one around the call of `app` if that changes later."""
    inner = InnerLayer(app.wsgi_app, config, app)
    app.wsgi_app = inner  # type: ignore[method-assign]  # as Flask's documentation does
    base: Any = app.__class__

    def call(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        environ[_SURROUNDED] = app
        # Looked up anew: Sentry patches Flask's class.
        answered: Iterable[bytes] = base.__call__(app, environ, start_response)
        return answered

    outer = FlaskLayer(call, config, app)

    def serve(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if app.wsgi_app is inner:
            answered: Iterable[bytes] = base.__call__(app, environ, start_response)
            return answered
        return outer(environ, start_response)

    # By a class of its own: Python looks `__call__` up on the class, and other applications stay
    # as they are.
    body = {"__module__": base.__module__, "__doc__": base.__doc__}
    app.__class__ = type(base.__name__, (base,), {**body, "__call__": staticmethod(serve)})
