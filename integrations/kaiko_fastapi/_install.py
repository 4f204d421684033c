"""`install(app)`: what `kaiko_starlette` does, and what only FastAPI needs.

FastAPI registers default handlers on every application. These are replaced; the service's own
handlers are kept. The OpenAPI document then shows the error answers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from fastapi import FastAPI
from fastapi.exception_handlers import (
    http_exception_handler,
    request_validation_exception_handler,
    websocket_request_validation_exception_handler,
)
from fastapi.exceptions import RequestValidationError, WebSocketRequestValidationError
from starlette.exceptions import HTTPException

from kaiko_fastapi._handlers import Handlers
from kaiko_fastapi._openapi import document_errors
from kaiko_middleware import Config, KaikoError
from kaiko_starlette.installation import install_for, require_app

if TYPE_CHECKING:
    from kaiko_fastapi._handlers import Answering

_CALLER = "kaiko_fastapi.install"
_DEFAULTS: dict[type[Exception], object] = {
    HTTPException: http_exception_handler,
    RequestValidationError: request_validation_exception_handler,
    WebSocketRequestValidationError: websocket_request_validation_exception_handler,
}


def install(app: FastAPI, config: Config | None = None) -> None:
    """Make every error answer of `app` an envelope, and document it.

    Handlers that the application registers, before or after, stay in force. Their answers are
    rewritten like any other answer. A mounted application has its own handlers and its own
    document: its errors are envelopes too, but only `install` on it gives them precise codes and
    documents them.

    Arguments:
        app: the application, before its first request.
        config: the settings; all defaults by default.

    Raises:
        TypeError: `app` is not a FastAPI application, or `config` not a `Config`.
        RuntimeError: it is installed already, or the application has started.

    """
    require_app(_CALLER, app, FastAPI)
    config = Config() if config is None else config
    handlers = app.exception_handlers
    replaced = [kind for kind, default in _DEFAULTS.items() if handlers.get(kind) is default]
    given = handlers.copy()
    for kind in replaced:
        del handlers[kind]
    try:
        install_for(_CALLER, app, config)
    except (RuntimeError, TypeError):
        handlers |= given
        raise
    ours = Handlers(
        None if KaikoError in given else cast("Answering", handlers[KaikoError]),  # ours
        cast("Answering", handlers[HTTPException]),  # likewise
    )
    handling: dict[type[Exception], Any] = {
        HTTPException: ours.http_exception,
        RequestValidationError: ours.validation_failed,
        WebSocketRequestValidationError: ours.socket_validation_failed,
    }
    for kind in replaced:
        handlers[kind] = handling[kind]
    document_errors(app, config)
