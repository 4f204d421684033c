"""The core's `Reply` as a Litestar response that outer layers recognize."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from litestar.enums import MediaType
from litestar.response import Response
from litestar.response.base import ASGIResponse

from kaiko_asgi.exchange_driver import encode_fields
from kaiko_middleware.layers import layers_of

if TYPE_CHECKING:
    from litestar import Litestar, Request
    from litestar.types import HTTPResponseStartEvent, Receive, Scope, Send

    from kaiko_middleware import Reply

__all__ = ["NoAnswer", "ReplyResponse"]


class ReplyResponse(Response[bytes]):
    """A response that sends a `Reply` as it is."""

    def __init__(self, reply: Reply, request_id: str) -> None:
        super().__init__(reply.body, status_code=reply.status, media_type=MediaType.JSON)
        self.reply = reply
        self.request_id = request_id

    def to_asgi_response(
        self,
        app: Litestar | None,  # noqa: ARG002 - as Litestar has it
        request: Request[Any, Any, Any],  # noqa: ARG002 - likewise
        **_added: Any,
    ) -> ASGIResponse:
        """Return what sends it; nothing is rendered again."""
        return _ReplySender(self.reply, self.request_id)


class _ReplySender(ASGIResponse):
    def __init__(self, reply: Reply, request_id: str) -> None:
        super().__init__(body=reply.body, status_code=reply.status)
        self.reply = reply
        self.request_id = request_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - as ASGI has it
        """Send it; a HEAD request gets the headers alone."""
        reply = self.reply
        fields = encode_fields(reply.headers)
        layers = layers_of(scope["state"], self.request_id)
        layers.reply = reply
        layers.sent = tuple(fields)  # middleware may change the list itself
        start: HTTPResponseStartEvent = {
            "type": "http.response.start",
            "status": reply.status,
            "headers": fields,
        }
        await send(start)
        body = b"" if {**scope}.get("method") == "HEAD" else reply.body
        await send({"type": "http.response.body", "body": body, "more_body": False})


class NoAnswer(Response[bytes]):
    """A response that sends nothing: nobody is there."""

    def __init__(self) -> None:
        super().__init__(b"")

    def to_asgi_response(
        self,
        app: Litestar | None,  # noqa: ARG002 - as Litestar has it
        request: Request[Any, Any, Any],  # noqa: ARG002 - likewise
        **_added: Any,
    ) -> ASGIResponse:
        """Return what sends nothing."""
        return _Silence()


class _Silence(ASGIResponse):
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send nothing."""
