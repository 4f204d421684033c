"""The WSGI middleware around a Flask application, outside of any other that is put around it."""

from __future__ import annotations

from functools import partial
from gc import get_referents
from typing import TYPE_CHECKING, Any

from flask import Flask
from werkzeug.wrappers import Response
from werkzeug.wsgi import ClosingIterator

from kaiko_flask._apis import METHODS, ApiMethod
from kaiko_middleware.headers import prefers_html
from kaiko_wsgi import KaikoMiddleware

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from kaiko_middleware import Config
    from kaiko_wsgi.start_wrapper import StartWrapper

__all__ = ["shows_debug_page", "surround"]

_SURROUNDED = "kaiko_flask.surrounded"
"""The key of the application that a layer outside of `app.wsgi_app` serves."""
_call: Any = vars(Flask)["__call__"]
_UNPATCHED = _call if getattr(_call, "__globals__", {}).get("__name__") == "flask.app" else None
"""Flask's own `__call__`, unless somebody patched it before this was imported."""
_CLOSE = Response.close
_encoded: Any = Response([]).iter_encoded()
_CHUNKS = _encoded.gi_code
"""The code of the generator of Werkzeug's that reads a response's body."""


class FlaskLayer(KaikoMiddleware):
    """`kaiko_wsgi.KaikoMiddleware`, which knows Flask's debug mode."""

    def __init__(self, wsgi_app: WSGIApplication, config: Config, flask_app: Flask) -> None:
        super().__init__(wsgi_app, config)
        self._flask_app = flask_app

    def shows_debug_page(self, environ: WSGIEnvironment, /) -> bool:
        """Whether Flask's debug pages are left alone here."""
        return shows_debug_page(self._flask_app, environ)

    def ready_body(
        self, result: Iterable[bytes], wrapper: StartWrapper, /
    ) -> Iterable[bytes] | None:
        """Return the list of one chunk that a response of Flask's has; None for any other body.

        Nothing that the response calls when it is closed may fail.
        """
        if type(result) is not ClosingIterator:
            return KaikoMiddleware.ready_body(self, result, wrapper)
        body: Any = result
        try:
            # No public name leads from the body to its response.
            given, close = body._callbacks  # noqa: SLF001 - see above
            chunks, response = given.__self__, close.__self__
            parts = response.response
            if (
                close.__func__ is _CLOSE
                and not response._on_close  # noqa: SLF001 - see above
                and type(parts) is list
                and len(parts) == 1
                and type(parts[0]) is bytes
                # The very list that is read: a response may give another body in its own way.
                and chunks.gi_code is _CHUNKS
                and get_referents(chunks)[-1] is parts
            ):
                wrapper.parts = parts
                return wrapper
        except (AttributeError, LookupError, ValueError):
            pass
        return None


class InnerLayer(FlaskLayer):
    """The layer at `app.wsgi_app`; it does nothing where there is one outside of it."""

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Serve one request."""
        if environ.get(_SURROUNDED) is self._flask_app:
            return self.app(environ, start_response)
        return KaikoMiddleware.__call__(self, environ, start_response)  # `super` costs a header


def shows_debug_page(app: Flask, environ: WSGIEnvironment) -> bool:
    """Whether Flask runs in debug and the client prefers HTML, such as the debugger's page."""
    return app.debug and prefers_html(environ.get("HTTP_ACCEPT", ""))


def surround(app: Flask, config: Config, of_resource: Callable[..., Any]) -> None:
    """Put a layer around `app.wsgi_app`, and one around the call of `app` if that changes later.

    Arguments:
        app: the application.
        config: the settings.
        of_resource: asked in place of an `Api` of Flask-RESTX's or Flask-RESTful's.

    """
    inner = InnerLayer(app.wsgi_app, config, app)
    app.wsgi_app = inner  # type: ignore[method-assign]  # as Flask's documentation does
    base: Any = app.__class__

    def call(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        environ[_SURROUNDED] = app
        # Looked up anew: Sentry patches Flask's class.
        answered: Iterable[bytes] = base.__call__(app, environ, start_response)
        return answered

    outer = FlaskLayer(call, config, app)

    serve_inside = partial(KaikoMiddleware.__call__, inner)

    def serve(
        called: Flask, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        if called.wsgi_app is inner:
            # Past two calls, unless somebody patched Flask's: Sentry does.
            if base.__call__ is _UNPATCHED:
                return serve_inside(environ, start_response)
        elif called is app:  # and no copy, and nothing else of this class
            return outer(environ, start_response)
        answered: Iterable[bytes] = base.__call__(called, environ, start_response)
        return answered

    # By a class of its own: Python looks `__call__` up on the class, and other applications stay
    # as they are.
    body = {"__module__": base.__module__, "__doc__": base.__doc__, "__call__": serve}
    asked = {name: ApiMethod(name, base, of_resource) for name in METHODS}
    app.__class__ = type(base.__name__, (base,), {**body, **asked})
