"""The layer around a whole application: outside of its router, its CORS and its hooks.

A plugin can add middleware to routes alone. What the router answers, a refused preflight and a
socket that nothing takes are outside of that, and so is the request id of all of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from litestar.connection import ASGIConnection
from litestar.exceptions import WebSocketException

from kaiko_asgi import KaikoMiddleware
from kaiko_asgi.exchange_driver import request_info
from kaiko_asgi.scope import REQUEST_PATH
from kaiko_litestar._cors import CorsHeaders
from kaiko_litestar._known import known_of
from kaiko_middleware import current_request_id

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from kaiko_asgi import ASGIApp, Message, Receive, Scope, Send
    from kaiko_middleware.pipeline import Pipeline

__all__ = ["Outermost", "is_surrounded", "note_failure"]

_MARK = "_kaiko_surrounded"
_FAILED = "kaiko_litestar_failed"


class Outermost:
    """What a server calls in place of the application.

    Arguments:
        app: the `Litestar` application, whose own types are in part unknown.
        pipeline: the core's steps.
        heard: those for exceptions that Litestar's hooks heard of, as they do of a socket's.

    """

    def __init__(self, app: Any, pipeline: Pipeline, heard: Pipeline) -> None:
        base: Any = app.__class__

        def call(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
            # Looked up anew: a tool may patch the class once the application is made.
            called: Awaitable[None] = base.__call__(app, scope, receive, send)
            return called

        self._app: ASGIApp = call
        self._pipeline = pipeline
        self._http = KaikoMiddleware(self._app, pipeline.config)
        self._sockets = KaikoMiddleware(self._socket_app, heard.config)
        cors = app.cors_config
        id_header = pipeline.config.request_id_header
        self._cors = None if cors is None else CorsHeaders(cors, id_header)

    def surround(self, app: Any) -> None:
        """Be what a call of `app` calls."""
        # By a class of its own: an instance has no place for it, and other applications stay as
        # they are.
        base: Any = app.__class__
        body = {"__slots__": (), "__module__": base.__module__, "__doc__": base.__doc__}
        called = {"__call__": staticmethod(self.__call__), _MARK: True}
        app.__class__ = type(base.__name__, (base,), {**body, **called})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        kind = scope["type"]
        if kind == "websocket" and self._sockets.covers(scope):
            await self._serve_socket(scope, receive, send)
            return
        if kind == "http":
            scope.setdefault(REQUEST_PATH, scope["path"])  # Litestar takes prefixes from it
            if self._cors is not None:
                send = self._cors.around(scope, send)
        await self._http(scope, receive, send)

    async def _serve_socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        failed: list[Exception] = []
        scope.setdefault("state", {})[_FAILED] = failed
        try:
            await self._sockets(scope, receive, send)
        except Exception as exc:
            if not any(exc is each for each in failed):
                raise
            # Litestar hands on no exception of a socket's.

    async def _socket_app(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Raise what Litestar closes a socket for, in place of its close."""
        failed: list[Exception] = scope["state"][_FAILED]
        closed = False

        async def sending(message: Message) -> None:
            nonlocal closed
            if message["type"] == "websocket.close" and failed:
                closed = True
            else:
                await send(message)

        await self._app(scope, receive, sending)
        if closed:
            exc = failed[-1]
            raise self._error_of(exc, scope) or exc

    def _error_of(self, exc: Exception, scope: Scope) -> Exception | None:
        given = cast("Any", scope)  # Litestar has its own type for it
        connection: ASGIConnection[Any, Any, Any, Any] = ASGIConnection(given)
        info = request_info(scope, current_request_id() or "-")
        return self._pipeline.find(exc, info, known_of(connection))


def is_surrounded(app: object) -> bool:
    """Whether `app` has such a layer."""
    return hasattr(type(app), _MARK)


async def note_failure(exc: Exception, scope: Any) -> None:
    """Be Litestar's hook: keep what a socket is closed for, unless the service said how."""
    if scope["type"] == "websocket" and not isinstance(exc, WebSocketException):
        scope["state"].get(_FAILED, []).append(exc)
