"""The core's `Reply` as a Starlette response, and the marks that outer layers know it by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import Response

from kaiko_asgi.scope import STATE_HEAD, STATE_REPLY, wire_fields

if TYPE_CHECKING:
    from starlette.background import BackgroundTask
    from starlette.types import Receive, Scope, Send

    from kaiko_middleware import Reply


class ReplyResponse(Response):
    """A response that sends a `Reply` as it is."""

    def __init__(self, reply: Reply, background: BackgroundTask | None = None) -> None:
        # The parent's would encode it all again.
        self.reply = reply
        self.status_code = reply.status
        self.body = reply.body
        self.background = background
        self.raw_headers = wire_fields(reply.headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it; a HEAD request gets the headers alone."""
        state = scope.setdefault("state", {})
        state[STATE_REPLY] = self.reply
        state[STATE_HEAD] = tuple(self.raw_headers)  # the list itself may be changed on its way
        if scope["method"] == "HEAD":
            self.body = b""
        await super().__call__(scope, receive, send)
