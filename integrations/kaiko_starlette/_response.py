"""The core's `Reply` as a Starlette response that outer layers recognize."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import Response

from kaiko_asgi.exchange_driver import encode_fields
from kaiko_middleware.layers import layers_of

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from kaiko_middleware import KaikoError, Reply


class ReplyResponse(Response):
    """A response that sends a `Reply` as it is."""

    def __init__(self, reply: Reply, request_id: str) -> None:
        # The parent's would encode it all again.
        self.reply = reply
        self.request_id = request_id
        self.status_code = reply.status
        self.body = reply.body
        self.background = None
        self.raw_headers = encode_fields(reply.headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - as ASGI has it
        """Send it; a HEAD request gets the headers alone."""
        layers = layers_of(scope.setdefault("state", {}), self.request_id)
        layers.reply = self.reply
        layers.sent = tuple(self.raw_headers)  # middleware may change the list itself
        await send(
            {
                "type": "http.response.start",
                "status": self.status_code,
                "headers": self.raw_headers,
            }
        )
        body = b"" if scope["method"] == "HEAD" else self.body
        await send({"type": "http.response.body", "body": body})


class SocketReply(ReplyResponse):
    """A reply to a WebSocket, in the events that Starlette itself answers one with.

    Our middleware denies the socket with it, or closes it if it was accepted before.
    """

    def __init__(self, reply: Reply, request_id: str, error: KaikoError) -> None:
        super().__init__(reply, request_id)
        self.error = error

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - as ASGI has it
        """Send it, and tell our middleware what to close the socket with."""
        layers = layers_of(scope["state"], self.request_id)
        layers.reply, layers.error = self.reply, self.error
        start = {"status": self.status_code, "headers": self.raw_headers}
        await send({"type": "websocket.http.response.start", **start})
        await send({"type": "websocket.http.response.body", "body": self.body})
