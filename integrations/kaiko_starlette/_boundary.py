"""The innermost middleware: answers unmapped exceptions where others still see the answer.

Caught further out, a 500 would lack what CORS, sessions or GZip put on every answer; here
it passes through them, and the exception then passes through them as well, so that error
trackers and tracing see what they would have seen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.requests import Request

from kaiko_asgi.scope import STATE_REPORT, is_answerable, shows_debug_page, was_seen
from kaiko_asgi.send_wrapper import Outgoing
from kaiko_middleware import current_request_id
from kaiko_middleware.map_exception import is_disconnect

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from kaiko_starlette._handlers import Handlers


class _Watched:
    """A middleware's `send`, and whether anything was sent by it."""

    __slots__ = ("_send", "way")

    def __init__(self, send: Send) -> None:
        self._send = send
        self.way: Send | None = None

    def send(self, message: Message) -> Awaitable[None]:
        """Take one event of the application's."""
        self.way = self._send
        return self._send(message)


class Boundary:
    """The last middleware before Starlette's own ExceptionMiddleware.

    Arguments:
        app: what it wraps.
        handlers: the handlers of the installed configuration.

    """

    def __init__(self, app: ASGIApp, handlers: Handlers) -> None:
        self.app = app
        self._handlers = handlers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        # Only within the middleware is there an id: not for paths that are left alone.
        request_id = current_request_id()
        if scope["type"] != "http" or request_id is None:
            await self.app(scope, receive, send)
            return
        # Where nothing stands between, the outer middleware's own `send` knows what was sent.
        outer: object = getattr(send, "__self__", None)
        outgoing = outer if type(outer) is Outgoing else _Watched(send)
        try:
            await self.app(scope, receive, outgoing.send)
        except BaseException as exc:
            # Once something was sent, the outer middleware knows best how to end it.
            if (
                outgoing.way is not None
                or not is_answerable(exc)
                or is_disconnect(exc)
                or was_seen(exc, request_id)
                or shows_debug_page(scope)
            ):
                raise
            request = Request(scope, receive, send)
            last = await self._handlers.last(request, exc, request_id)
            if last.hand_on:
                scope["state"][STATE_REPORT] = last.report
            else:
                last.report()
            await last.response(scope, receive, send)
            if last.hand_on:
                raise
