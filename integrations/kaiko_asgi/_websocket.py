"""WebSocket connections that fail: denied before they are accepted, closed after.

Before `accept`, a server with the `websocket.http.response` extension sends our answer in
place of the handshake; without it a close is all there is, and becomes an empty 403.
After `accept` the socket is closed with a code and a reason that say what happened.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from kaiko_asgi.exchange_driver import ExchangeDriver, request_info, with_id
from kaiko_asgi.observers import tell_observers
from kaiko_asgi.scope import is_answerable, raised_by_send
from kaiko_middleware.foreign_answer import error_from_reason
from kaiko_middleware.known_exceptions import path_of
from kaiko_middleware.layers import layers_of
from kaiko_middleware.make_error import error_for_status
from kaiko_middleware.render import close_frame
from kaiko_middleware.report import report_disconnect

if TYPE_CHECKING:
    from kaiko_asgi._types import ASGIApp, Message, Receive, Scope, Send
    from kaiko_middleware import KaikoError
    from kaiko_middleware.pipeline import Pipeline

_HTTP = "http.response"
_PREFIX = f"websocket.{_HTTP}"
_PRIVATE = 3000  # to a code for private use (RFC 6455, section 7.4.2): 4008 and 4011


class Socket:
    """One connection, between the server and the application."""

    def __init__(
        self, pipeline: Pipeline, scope: Scope, receive: Receive, send: Send, request_id: str
    ) -> None:
        self._pipeline = pipeline
        self._scope = scope
        self._request = request_info(scope, request_id)
        self._receive = receive
        self._send = send
        self._layers = layers_of(scope["state"], request_id)
        self._driver = ExchangeDriver(pipeline, scope, request_id, send)
        self._driver.prefix = _PREFIX
        self._deniable = _PREFIX in (scope.get("extensions") or {})
        self._app: ASGIApp | None = None
        self._accepted = False
        self._denied = False  # an answer goes out in place of the handshake
        self._closed = False
        self._ended = False  # we closed it: the application's own events are dropped
        self._left = False  # the client did

    async def serve(self, app: ASGIApp) -> None:
        """Serve the connection by `app`."""
        self._app = app
        try:
            await app(self._scope, self.receive, self.send)
            await self.end()
        except BaseException as exc:
            if not is_answerable(exc) or await self.fail(exc):
                raise

    async def receive(self) -> Message:
        """Pass on one event of the client's."""
        message = await self._receive()
        if message["type"] == "websocket.disconnect":
            self._left = True
        return message

    async def send(self, message: Message) -> None:
        """Take one event of the application's."""
        kind: str = message["type"]
        if self._ended:
            return
        if kind.startswith(_HTTP):
            # From middleware that takes a handshake for a request: no server takes these events.
            kind = f"websocket.{kind}"
            message = {**message, "type": kind}
        if kind.startswith(_PREFIX) and not self._accepted and self._deniable:
            self._denied = True
            await self._driver.send(message)
        elif kind == f"{_PREFIX}.start" and message["status"] >= 400:
            # A framework's way to answer an exception, where there is no answer any more.
            status: int = message["status"]
            error = self._layers.take_error(status)
            if error is None:
                error = self._pipeline.on_answer(status, [], None, self._request).error
            await self._close(error)
        elif kind == "websocket.accept":
            self._accepted = True
            id_header = self._pipeline.config.request_id_header
            await self._send(with_id(message, id_header, self._request.request_id))
        elif kind == "websocket.close" and isinstance(message.get("reason"), list):
            await self._refuse(message["reason"])
        elif kind == "websocket.close" and not self._accepted and self._deniable:
            if not self._denied:
                # A server would turn this into a 403 without a body.
                self._denied = self._ended = True
                await self._deny(message)
        else:
            self._closed = self._closed or kind == "websocket.close"
            await self._send(message)

    async def _deny(self, message: Message) -> None:
        """Answer in place of a close: with what the framework caught, if that is why it closes."""
        status = 404 if self._is_unrouted() else _refused_status(message)
        caught = sys.exception() if message.get("code") in _FAILED else None
        if caught is not None and (
            status == 500 or self._pipeline.find(caught, self._request) is not None
        ):
            await self._driver.fail(caught)
        else:
            await self._driver.deny(error_for_status(status))

    async def _refuse(self, reason: list[object]) -> None:
        """Deny or close what FastAPI refused: a server could not send its reason."""
        refused = error_from_reason(reason)
        if self._deniable and not self._accepted:
            self._denied = self._ended = True
            await self._driver.deny(refused)
        else:
            await self._close(self._pipeline.on_exception(refused, self._request).error)

    async def end(self) -> None:
        """Take note that the application returned."""
        if self._accepted or self._closed or self._left:
            self._driver.abandon()
            return
        if self._deniable:
            await self._driver.end()
        else:
            await self._close(self._pipeline.on_bug(_SILENT, self._request).error)

    async def fail(self, exc: BaseException) -> bool:
        """Take an exception of the application's; return whether it is to be raised again."""
        if self._deniable and not self._accepted:
            return await self._driver.fail(exc)
        if raised_by_send(exc, self._send):
            report_disconnect(exc, self._request)
            return False
        if self._layers.was_reported(exc):
            return True
        answer = self._pipeline.on_exception(exc, self._request)
        self._layers.reported = exc
        if answer.unmapped:
            tell_observers(exc, self._scope)
        if not answer.disconnected:
            await self._close(answer.error)
        return (answer.unmapped and self._pipeline.config.reraise) or not isinstance(exc, Exception)

    async def _close(self, error: KaikoError) -> None:
        self._ended = True
        if self._closed or self._left:
            return
        self._closed = True
        code, reason = close_frame(error, self._request.request_id)
        message = {"type": "websocket.close", "code": code, "reason": reason}
        try:
            try:
                await self._send(message)
            except Exception:  # noqa: BLE001 - as below
                # daphne takes no code of the protocol's own; a socket that is gone raises again.
                await self._send({**message, "code": code + _PRIVATE})
        except Exception as gone:  # noqa: BLE001 - servers raise what they like at a socket that is gone
            report_disconnect(gone, self._request)

    def _is_unrouted(self) -> bool:
        """Whether nothing takes the socket, which its application closes without saying so.

        That is Starlette's router without a route, or an application that speaks HTTP alone.
        """
        scope = self._scope
        if "router" not in scope:
            return _speaks_http_alone(self._app)
        # The endpoint is what is mounted, where nothing in there was found. That may
        # have middleware which refused the socket, before any route was looked for.
        endpoint: object = scope.get("endpoint")
        if endpoint is None or _speaks_http_alone(endpoint):
            return True
        return hasattr(endpoint, "routes") and all(
            getattr(entry, "cls", type).__module__.startswith("kaiko_")
            for entry in getattr(endpoint, "user_middleware", ())
        )


_HTTP_ALONE = frozenset({"a2wsgi.wsgi.WSGIMiddleware", "starlette.staticfiles.StaticFiles"})


def _speaks_http_alone(app: object) -> bool:
    return any(path_of(cls) in _HTTP_ALONE for cls in type(app).__mro__)


def _refused_status(message: Message) -> int:
    """Return the HTTP status that a close before `accept` means; 403 where it does not say.

    Many add it to 4000, and Falcon to 3000.
    """
    code: object = message.get("code", 1000)
    if code in _FAILED:
        return 500 if code == 1011 or message.get("reason") == "Internal Server Error" else 403
    if not isinstance(code, int) or not (3400 <= code <= 3599 or 4400 <= code <= 4499):
        return 403
    # 405 is Falcon's answer where only HTTP is routed.
    return 404 if code % 1000 == 405 else code % 1000


_FAILED = {1011, 4500}
"""What Falcon, and what Litestar, closes a socket with for an exception."""
_SILENT = "the application returned without an answer to the handshake"
