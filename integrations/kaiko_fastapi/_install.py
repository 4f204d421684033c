"""`install(app)`: what `kaiko_starlette` does, and what only FastAPI has.

FastAPI registers handlers of its own with every application; these defaults, and no
handler of the service's, are replaced. The OpenAPI document then says what is answered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from fastapi.exception_handlers import (
    http_exception_handler,
    request_validation_exception_handler,
    websocket_request_validation_exception_handler,
)
from fastapi.exceptions import RequestValidationError, WebSocketRequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware

import kaiko_starlette
from kaiko_fastapi._handlers import Handlers
from kaiko_fastapi._openapi import document_errors
from kaiko_middleware import Config, KaikoError

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastapi import FastAPI
    from starlette.responses import Response

    from kaiko_fastapi._handlers import Answering


def install(app: FastAPI, config: Config | None = None) -> None:
    """Make every error answer of `app` an envelope, and document it.

    Handlers that the application registered itself stay in force; what they answer is
    rewritten like any other answer. A mounted application has handlers and a document of
    its own: its errors are envelopes too, but only an `install` on it gives them their
    precise codes and documents them.

    The application's own `max_body_size` is from then on checked where the middleware
    stands, so that its 413 is an envelope: a middleware that is added later, and that
    reads bodies, does so without that limit.

    Arguments:
        app: the application, before it served its first request.
        config: the settings; all defaults when left out.

    Raises:
        RuntimeError: it is installed already, or the application has started.

    """
    config = Config() if config is None else config
    handlers = app.exception_handlers
    defaults = {
        kind: handlers.get(kind) is default
        for kind, default in (
            (HTTPException, http_exception_handler),
            (RequestValidationError, request_validation_exception_handler),
            (WebSocketRequestValidationError, websocket_request_validation_exception_handler),
        )
    }
    given = handlers.copy()
    if defaults[HTTPException]:
        del handlers[HTTPException]
    try:
        kaiko_starlette.install(app, config)
    except RuntimeError:
        handlers |= given
        raise
    _move_body_limit(app)
    ours = Handlers(
        config,
        cast("Answering", handlers[KaikoError]),
        cast("Answering", handlers[HTTPException]),
    )
    if defaults[HTTPException]:
        handlers[HTTPException] = ours.http_exception
    if defaults[RequestValidationError]:
        handlers[RequestValidationError] = ours.validation_failed
    if defaults[WebSocketRequestValidationError]:
        handlers[WebSocketRequestValidationError] = cast(
            "Callable[..., Response]", ours.socket_validation_failed
        )
    document_errors(app, config)


def _move_body_limit(app: FastAPI) -> None:
    """Let the middleware see the 413 of FastAPI's body limit, which stands outside of all."""
    limit: int | None = getattr(app, "max_body_size", None)
    if limit is None:
        return
    # Newer than the oldest Starlette, as FastAPI's setting is newer than the oldest FastAPI.
    from starlette.middleware.body_limit import (  # noqa: PLC0415 - see above
        RequestBodyLimitMiddleware,
    )

    app.max_body_size = None
    app.user_middleware.insert(1, Middleware(RequestBodyLimitMiddleware, max_body_size=limit))
