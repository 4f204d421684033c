"""`install(app)`: a layer around the application, and what Flask asks where something is raised.

- Around `app.wsgi_app` is the WSGI middleware: ids, rewriting, streams, and what leaves Flask.
  Middleware that is put around `app.wsgi_app` later is inside of another such layer.
- Typed errors, and the classes that the configuration maps, have an error handler.
- `app.handle_http_exception` and `app.handle_exception` answer what Flask would answer with a page.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from flask import Blueprint, Flask

from kaiko_flask._handlers import Handlers
from kaiko_flask._layer import surround
from kaiko_middleware import Config
from kaiko_middleware.arguments import wrong_argument
from kaiko_middleware.pipeline import Pipeline
from kaiko_wsgi import KaikoMiddleware

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["install"]

_CALLER = "kaiko_flask.install"
_EXTENSION = "kaiko"
"""The key of `app.extensions`."""


def install(app: Flask, config: Config | None = None) -> None:
    """Make every error answer of `app` an envelope.

    Error handlers, blueprints, extensions and WSGI middleware may be added before or after. The
    service's own error handlers stay in force. Their answers are rewritten like any other answer.

    Arguments:
        app: the application, before its first request.
        config: the settings; all defaults when left out.

    Raises:
        TypeError: `app` is not a Flask application, or `config` not a `Config`.
        RuntimeError: it is installed already, or the application has started.

    Implements sections 5 to 9 of the V2 contract.

    """
    app = _required(app)
    if _EXTENSION in app.extensions or isinstance(app.wsgi_app, KaikoMiddleware):
        msg = f"{_CALLER}: this application has kaiko-middleware already; install it once"
        raise RuntimeError(msg)
    pipeline = Pipeline(Config() if config is None else config)
    handlers = Handlers(app, pipeline)
    try:
        handlers.register()
    except AssertionError as exc:  # Flask's own check, which it makes when a handler is registered
        msg = f"{_CALLER}: the application has started; install before its first request"
        raise RuntimeError(msg) from exc
    surround(app, pipeline.config, handlers.of_resource)
    app.extensions[_EXTENSION] = handlers


def _required(app: object) -> Flask:
    """Return `app`, or the application behind a proxy; refuse what is none."""
    behind = cast("Callable[[], object] | None", getattr(app, "_get_current_object", None))
    given = app if behind is None else behind()  # `current_app`
    if isinstance(given, Flask):
        return given
    hint = None
    if isinstance(given, Blueprint):
        hint = "install on the application that registers it"
    elif hasattr(given, "asgi_app"):
        hint = "wrap Quart's application with kaiko_asgi.KaikoMiddleware"
    raise wrong_argument(f"{_CALLER} takes a Flask application", given, hint)
