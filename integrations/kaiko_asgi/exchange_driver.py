"""Drives the core's `ResponseState` with ASGI events, for every answer but a plain success."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Protocol

from kaiko_asgi.observers import tell_observers
from kaiko_asgi.scope import (
    BODY_LIMIT,
    PASS_THROUGH,
    lift_body_limit,
    raised_by_send,
    shows_debug_page,
)
from kaiko_middleware import KaikoError, PayloadTooLargeError
from kaiko_middleware.layers import layers_of
from kaiko_middleware.map_exception import is_disconnect
from kaiko_middleware.report import RequestInfo, report_disconnect
from kaiko_middleware.response_state import Head, ResponseState
from kaiko_middleware.safe_exception import context_of

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Task, TimerHandle
    from collections.abc import Awaitable, Iterable, Sequence

    from kaiko_asgi._types import ASGIApp, Message, Receive, Scope, Send, State
    from kaiko_asgi.cors import CorsHeaders
    from kaiko_middleware.pipeline import Pipeline
    from kaiko_middleware.response_state import Failed, Piece

__all__ = ["ExchangeDriver", "LastResort", "request_info", "wire_fields"]

# A body by another way than a body's event, or what comes after one.
_END_IS_HELD = 0.1
"""Seconds: frameworks raise what ended a stream within a millisecond."""
_OTHER_BODIES = frozenset({"pathsend", "zerocopysend", "trailers"})


# What is on nearly every envelope, encoded once.
_ON_THE_WIRE = {
    ("Content-Type", "application/json"): (b"content-type", b"application/json"),
    ("X-Should-Retry", "false"): (b"x-should-retry", b"false"),
    ("X-Should-Retry", "true"): (b"x-should-retry", b"true"),
    ("Cache-Control", "no-store"): (b"cache-control", b"no-store"),
}


def wire_fields(headers: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    """Return the header fields of a reply as ASGI has them."""
    return [
        _ON_THE_WIRE.get(field) or (field[0].lower().encode("latin-1"), field[1].encode("latin-1"))
        for field in headers
    ]


def request_info(scope: Scope, request_id: str, *, typed: bool = False) -> RequestInfo:
    """Return what the core wants to know of a request.

    Arguments:
        scope: the request's.
        request_id: its id.
        typed: whether its Content-Type is looked for, by which returned answers are read.

    """
    try:
        method: str = scope["method"]
    except KeyError:
        method = "WEBSOCKET" if scope["type"] == "websocket" else "-"
    if not typed:
        return RequestInfo(request_id, method, scope.get("path", "-"))
    kind = ""
    for name, value in scope["headers"]:
        if name == b"content-type":
            kind = f"{kind},{value.decode('latin-1')}" if kind else value.decode("latin-1")
    return RequestInfo(request_id, method, scope.get("path", "-"), kind)


class LastResort(Protocol):
    """The layer of a framework that answers what left all of its middleware, ours included."""

    @property
    def answers(self) -> bool:
        """Whether it answers unmapped exceptions by our handler, and raises them again."""
        ...

    @property
    def has_own_handler(self) -> bool:
        """Whether the service has a handler of `Exception`."""
        ...

    async def own_answer(self, scope: Scope, receive: Receive, exc: Exception, /) -> ASGIApp | None:
        """Return what the service's handler of `Exception` answers; None for nothing."""
        ...


class ExchangeDriver:
    """One response on its way to `send`.

    Arguments:
        pipeline: the core's steps.
        scope: the connection's.
        request_id: the request's id.
        send: the server's.
        prefix: what the events are called: `http.response` or `websocket.http.response`.
        cors: the CORS middleware that an exception passes before it is answered here.

    """

    __slots__ = (
        "_cors",
        "_layers",
        "_original",
        "_pipeline",
        "_prefix",
        "_releasing",
        "_response",
        "_scope",
        "_send",
        "_timer",
    )

    def __init__(
        self,
        pipeline: Pipeline,
        scope: Scope,
        request_id: str,
        send: Send,
        *,
        prefix: str = "http.response",
        cors: CorsHeaders | None = None,
    ) -> None:
        self._cors = cors
        self._pipeline = pipeline
        self._scope = scope
        self._send = send
        self._prefix = prefix
        self._original: Message = {}
        self._layers = layers_of(scope["state"], request_id)
        self._response = ResponseState(
            pipeline,
            request_info(scope, request_id, typed=True),
            layers=self._layers,
            framework_debug=getattr(scope.get("app"), "debug", False) and shows_debug_page(scope),
            deferring=True,
        )
        self._releasing: Task[None] | None = None
        self._timer: TimerHandle | None = None

    @property
    def ending(self) -> bool:
        """Whether the end of a stream is held until it is known that nothing is raised."""
        return self._response.ending

    async def let_go(self) -> None:
        """Send the end that is held."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        await self._forward(self._response.let_go())
        if self._releasing is not None:
            await self._releasing

    async def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            if self._releasing is not None:
                await self._releasing

    def _let_go_later(self) -> None:
        loop = _loop()
        if loop is None or self._timer is not None:
            return

        def release() -> None:
            self._releasing = loop.create_task(self._release_end())

        self._timer = loop.call_later(_END_IS_HELD, release)

    async def _release_end(self) -> None:
        try:
            await self._forward(self._response.let_go())
        except OSError as gone:
            report_disconnect(gone, self._response.request)

    def send(self, message: Message) -> Awaitable[None]:
        """Take one event of the application's."""
        if self._response.passing:
            return self._send(message)
        return self._feed(message)

    async def _feed(self, message: Message) -> None:
        response = self._response
        if response.ending:
            await self.let_go()
        event = message["type"].removeprefix(f"{self._prefix}.")
        if event == "start":
            pieces = self._start(message)
            if pieces:
                await self._forward(pieces)
        elif event == "body":
            body: bytes = message.get("body", b"")
            pieces = response.body(body, more=message.get("more_body", False))
            if pieces:
                await self._forward(pieces)
            elif response.ending:
                self._let_go_later()
        elif event in _OTHER_BODIES:
            await self._forward(response.other_body())
            if response.passing:
                await self._send(message)
        else:
            await self._send(message)

    def _start(self, message: Message) -> Sequence[Piece]:
        response, scope = self._response, self._scope
        status: int = message["status"]
        fields = list(message.get("headers", ()))
        # The application may change its list, or the whole message, while this is held.
        self._original = {**message, "headers": fields}
        try:
            headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in fields]
        except AttributeError:
            headers = [(_text(name), _text(value)) for name, value in fields]
        if BODY_LIMIT in scope and lift_body_limit(scope) and status != 413:
            return response.fail(PayloadTooLargeError()).pieces
        if status < 400:
            response.holding_end = _loop() is not None
            return response.start(status, headers)
        state: State = scope["state"]
        return response.start(status, headers, as_it_is=bool(state.get(PASS_THROUGH)))

    async def deny(self, error: KaikoError) -> None:
        """Answer with `error` in place of what the application did."""
        await self._forward(self._response.fail(error).pieces)

    async def fail(
        self, exc: BaseException, *, started: bool = False, outermost: bool = False
    ) -> bool:
        """Answer an exception; return whether it is to be raised again.

        Arguments:
            exc: what came out of the application.
            started: whether a head that needed no look was sent already.
            outermost: whether it left all middleware, so that tracing has seen it.

        """
        response = self._response
        await self._stop_timer()
        if (context_of(exc) is not None or issubclass(type(exc), OSError)) and raised_by_send(
            exc, self._send
        ):
            report_disconnect(exc, response.request)
            return False
        if started:
            response.pass_on()
        hand_on = await self._send_failed(response.fail(exc), None if outermost else exc)
        return hand_on or not isinstance(exc, Exception)

    async def fail_inside(self, exc: Exception, receive: Receive, last_resort: LastResort) -> bool:
        """Do what `fail` does, where a framework's last resort is outside of the middleware.

        Arguments:
            exc: what came out of the application.
            receive: the server's.
            last_resort: that layer.

        """
        config, response = self._pipeline.config, self._response
        await self._stop_timer()
        if response.started or raised_by_send(exc, self._send):
            return await self.fail(exc)
        outside = config.reraise and last_resort.answers
        if (
            last_resort.has_own_handler
            and not isinstance(exc, KaikoError)
            and not config.mapping.handles(exc)
            and not is_disconnect(exc)
            and not (outside and self._pipeline.find(exc, response.request) is None)
        ):
            try:
                given = await last_resort.own_answer(self._scope, receive, exc)
            except Exception as failed:  # noqa: BLE001 - the handler may raise anything
                given, exc = None, failed
            if given is not None:
                tell_observers(exc, self._scope)
                return await self.answer(given, receive, exc)
        return await self._send_failed(response.fail(exc, answered_outside=outside), exc)

    async def answer(self, given: ASGIApp, receive: Receive, exc: Exception) -> bool:
        """Send what the service's handler answers; return whether `exc` is raised again."""
        self._response.begin_answer()
        await given(self._scope, receive, self.send)
        return await self._send_failed(self._response.end_answer(exc))

    async def _send_failed(self, failed: Failed, told: BaseException | None = None) -> bool:
        if failed.pieces:
            if told is not None and failed.unmapped:
                tell_observers(told, self._scope)
            try:
                await self._forward(failed.pieces)
            except OSError as gone:
                report_disconnect(gone, self._response.request)
        return failed.hand_on

    def abandon(self) -> None:
        """Take note that the application was stopped: nothing more is sent."""
        if self._timer is not None:
            self._timer.cancel()
        self._response.abandon()

    async def end(self) -> None:
        """Take note that the application returned."""
        if self._response.settled:
            return
        if self._timer is not None:
            await self.let_go()
        await self._forward(self._response.end())

    async def _forward(self, pieces: Sequence[Piece]) -> None:
        for piece in pieces:
            if not isinstance(piece, Head):
                message: Message = {
                    "type": f"{self._prefix}.body",
                    "body": piece.body,
                    "more_body": piece.more,
                }
            elif piece.original:
                message = self._original_start(piece.status)
            else:
                message = {
                    "type": f"{self._prefix}.start",
                    "status": piece.status,
                    "headers": wire_fields(piece.headers),
                }
            if self._cors is not None and self._response.answers_exception:
                for name, _ in self._scope["headers"]:
                    if name == b"origin" and isinstance(piece, Head):
                        message = await self._cors.put_on(message, self._scope, self._layers.inner)
                        break
            await self._send(message)

    def _original_start(self, status: int) -> Message:
        if status < 200:
            return self._original
        # A new list, never one changed in place: a response object may be sent twice.
        config, request = self._pipeline.config, self._response.request
        name = config.request_id_header.lower().encode("ascii")
        kept = [pair for pair in self._original["headers"] if pair[0].lower() != name]
        return {
            **self._original,
            "headers": [*kept, (name, request.request_id.encode("latin-1"))],
        }


def _loop() -> AbstractEventLoop | None:
    """Return the event loop that runs here, if it is one of asyncio's."""
    asyncio = sys.modules.get("asyncio")
    if asyncio is None:
        return None
    try:
        loop: AbstractEventLoop = asyncio.get_running_loop()
    except RuntimeError:
        return None
    return loop


def _text(value: bytes | str) -> str:
    # A header that is no bytes is the application's mistake: shown as one no server takes.
    return value.decode("latin-1") if isinstance(value, bytes) else f"\0{value!a}"
