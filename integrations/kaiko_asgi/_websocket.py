"""WebSocket connections that fail: denied before they are accepted, closed after.

Before `accept`, a server with the `websocket.http.response` extension sends our answer in
place of the handshake; without it a close is all there is, and becomes an empty 403.
After `accept` the close code is 1008 or 1011 and the reason carries code and request id.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kaiko_asgi._flow import Flow
from kaiko_asgi.scope import is_answerable, request_info
from kaiko_middleware import ForbiddenError

if TYPE_CHECKING:
    from kaiko_asgi._types import ASGIApp, Message, Receive, Scope, Send
    from kaiko_middleware.engine import Engine

_PREFIX = "websocket.http.response"
_REASON_LIMIT = 123
_POLICY_VIOLATION = 1008
_INTERNAL_ERROR = 1011


async def serve_websocket(
    app: ASGIApp,
    engine: Engine,
    scope: Scope,
    receive: Receive,
    send: Send,
    request_id: str,
) -> None:
    """Serve one WebSocket connection."""
    request = request_info(scope, request_id)
    flow = Flow(engine, request, scope["state"], send, prefix=_PREFIX)
    deniable = _PREFIX in (scope.get("extensions") or {})
    accepted = closed = denied = False

    async def forward(message: Message) -> None:
        nonlocal accepted, closed, denied
        kind: str = message["type"]
        if kind.startswith(_PREFIX):
            denied = True
            await flow.send(message)
        elif kind == "websocket.close" and not accepted and deniable and not denied:
            # A server would turn this into a 403 of its own, without a body.
            closed = denied = True
            await flow.deny(ForbiddenError())
        else:
            accepted = accepted or kind == "websocket.accept"
            closed = closed or kind == "websocket.close"
            if kind == "websocket.accept":
                message = {
                    **message,
                    "headers": [
                        *message.get("headers", ()),
                        (
                            engine.config.request_id_header.lower().encode("ascii"),
                            request_id.encode("latin-1"),
                        ),
                    ],
                }
            await send(message)

    try:
        await app(scope, receive, forward)
    except BaseException as exc:
        if not is_answerable(exc):
            raise
        if not accepted and deniable:
            if await flow.fail(exc):
                raise
            return
        answer = engine.on_exception(exc, request)
        if not closed and not answer.disconnected:
            code = _INTERNAL_ERROR if answer.error.status >= 500 else _POLICY_VIOLATION
            reason = f"{answer.error.code} {request_id}"[:_REASON_LIMIT]
            await send({"type": "websocket.close", "code": code, "reason": reason})
        if (answer.unmapped and engine.config.reraise) or not isinstance(exc, Exception):
            raise
