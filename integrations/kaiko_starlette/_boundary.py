"""The innermost middleware: answers unmapped exceptions where others still see the answer.

Caught further out, a 500 would lack what CORS, sessions or GZip put on every answer; here
it passes through them, and the exception then passes through them as well, so that error
trackers and tracing see what they would have seen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kaiko_asgi.scope import is_answerable, mark_seen, request_info, shows_debug_page, was_seen
from kaiko_middleware import current_request_id
from kaiko_middleware.mapping import is_disconnect
from kaiko_starlette._response import ReplyResponse

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from kaiko_middleware.engine import Engine
    from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Boundary:
    """The last middleware before Starlette's own ExceptionMiddleware.

    Arguments:
        app: what it wraps.
        engine: the core's steps, of the installed configuration.

    """

    def __init__(self, app: ASGIApp, engine: Engine) -> None:
        self.app = app
        self._engine = engine

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        # Only within the middleware is there an id: not for paths that are left alone.
        request_id = current_request_id()
        if scope["type"] != "http" or request_id is None:
            await self.app(scope, receive, send)
            return
        started = False

        def forward(message: Message) -> Awaitable[None]:
            nonlocal started
            started = True
            return send(message)

        try:
            await self.app(scope, receive, forward)
        except BaseException as exc:
            # Once something was sent, the outer middleware knows best how to end it.
            if (
                started
                or not is_answerable(exc)
                or is_disconnect(exc)
                or was_seen(exc, request_id)
                or shows_debug_page(scope)
            ):
                raise
            answer = self._engine.on_exception(exc, request_info(scope, request_id))
            mark_seen(exc, request_id)
            await ReplyResponse(answer.reply)(scope, receive, send)
            if (answer.unmapped and self._engine.config.reraise) or not isinstance(exc, Exception):
                raise
