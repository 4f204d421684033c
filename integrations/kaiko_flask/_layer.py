"""The WSGI middleware around a Flask application, outside of any other that is put around it."""

from __future__ import annotations

from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

from flask import Flask
from werkzeug.wrappers import Response
from werkzeug.wsgi import ClosingIterator

from kaiko_flask._apis import METHODS, ApiMethod
from kaiko_middleware.headers import prefers_html
from kaiko_middleware.ids import set_request_id
from kaiko_wsgi import KaikoMiddleware

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from kaiko_middleware import Config

__all__ = ["shows_debug_page", "surround"]

_SURROUNDED = "kaiko_flask.surrounded"
"""The key of the application that a layer outside of `app.wsgi_app` serves."""
_NOTHING_BACK = partial(set_request_id, None)
"""Where no id was current before."""


_call: Any = vars(Flask)["__call__"]
_UNPATCHED = _call if getattr(_call, "__globals__", {}).get("__name__") == "flask.app" else None
"""Flask's own `__call__`, unless somebody patched it before this was imported."""
_BODY = ("close", "get_app_iter", "iter_encoded")


@lru_cache(maxsize=64)
def _is_plain(cls: type[object]) -> bool:
    """Whether responses of this class give and close their bodies as Werkzeug's do."""
    return all(getattr(cls, name, None) is getattr(Response, name) for name in _BODY)


class FlaskLayer(KaikoMiddleware):
    """`kaiko_wsgi.KaikoMiddleware`, which knows Flask's debug mode."""

    def __init__(self, wsgi_app: WSGIApplication, config: Config, flask_app: Flask) -> None:
        super().__init__(wsgi_app, config)
        self._flask_app = flask_app

    def shows_debug_page(self, environ: WSGIEnvironment, /) -> bool:
        """Whether Flask's debug pages are left alone here."""
        return shows_debug_page(self._flask_app, environ)

    def restores_id(self, result: Iterable[bytes], previous: str | None, /) -> bool:
        """Let a response of Flask's put the id back when it is closed; whether it can.

        Its body has to be there as a whole, and nothing that it calls when it is closed may fail.
        """
        # No public name leads from the body to its response.
        callbacks: Any = getattr(result, "_callbacks", None)
        if type(result) is not ClosingIterator or len(callbacks) != 2:
            return False
        response: Any = getattr(callbacks[1], "__self__", None)
        kind: Any = type(response)  # mypy takes no class for hashable
        if not _is_plain(kind) or response._on_close:  # noqa: SLF001 - see above
            return False
        parts = response.response
        if type(parts) is not list or len(parts) != 1 or type(parts[0]) is not bytes:
            return False
        callbacks.append(_NOTHING_BACK if previous is None else partial(set_request_id, previous))
        return True


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
