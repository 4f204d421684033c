"""Drives the core's `ResponseState` with ASGI events, for every answer but a plain success."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kaiko_asgi.scope import (
    STATE_PASS,
    STATE_REPLY,
    lift_body_limit,
    mark_seen,
    raised_by_send,
    shows_debug_page,
    was_seen,
    wire_fields,
)
from kaiko_middleware import PayloadTooLargeError, Reply
from kaiko_middleware.report import report_disconnect
from kaiko_middleware.response_state import Chunk, Head, ResponseState

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from kaiko_asgi._types import Message, Scope, Send, State
    from kaiko_middleware import KaikoError
    from kaiko_middleware.pipeline import Pipeline
    from kaiko_middleware.report import RequestInfo
    from kaiko_middleware.response_state import Piece

# A body by another way than a body's event, or what comes after one.
_OTHER_BODIES = frozenset({"pathsend", "zerocopysend", "trailers"})


class Flow:
    """One response on its way to `send`.

    Arguments:
        pipeline: the core's steps.
        request: the request that is answered.
        scope: the connection's, by whose state the layers of one request know each other.
        send: the server's.
        prefix: what the events are called: `http.response` or `websocket.http.response`.

    """

    __slots__ = (
        "_exchange",
        "_original",
        "_pipeline",
        "_prefix",
        "_request",
        "_scope",
        "_send",
        "_state",
    )

    def __init__(
        self,
        pipeline: Pipeline,
        request: RequestInfo,
        scope: Scope,
        send: Send,
        *,
        prefix: str = "http.response",
    ) -> None:
        self._pipeline = pipeline
        self._request = request
        self._scope = scope
        self._state: State = scope["state"]
        self._send = send
        self._prefix = prefix
        self._original: Message = {}
        self._exchange = ResponseState(
            pipeline, request, framework_debug=shows_debug_page(scope), deferring=True
        )

    def send(self, message: Message) -> Awaitable[None]:
        """Take one event of the application's."""
        if self._exchange.passing:
            return self._send(message)
        return self._feed(message)

    async def _feed(self, message: Message) -> None:
        exchange = self._exchange
        event = message["type"].removeprefix(f"{self._prefix}.")
        if event == "start":
            await self._forward(self._start(message))
        elif event == "body":
            body: bytes = message.get("body", b"")
            await self._forward(exchange.body(body, more=message.get("more_body", False)))
        elif event in _OTHER_BODIES:
            await self._forward(exchange.other_body())
            if exchange.passing:
                await self._send(message)
        else:
            await self._send(message)

    def _start(self, message: Message) -> list[Piece]:
        exchange = self._exchange
        status: int = message["status"]
        fields = list(message.get("headers", ()))
        # The application may change its own list, or the whole message, while this is held.
        self._original = {**message, "headers": fields}
        headers = [(_text(name), _text(value)) for name, value in fields]
        exchange.ours = self._state.get(STATE_REPLY)
        if lift_body_limit(self._scope) and status != 413:
            return exchange.fail(PayloadTooLargeError()).pieces
        if self._state.get(STATE_PASS) and status >= 400:
            return exchange.pass_on(status, headers)
        return exchange.start(status, headers)

    async def deny(self, error: KaikoError) -> None:
        """Answer with `error` in place of what the application did."""
        await self._forward(self._exchange.fail(error).pieces)

    async def fail(self, exc: BaseException, *, started: bool = False) -> bool:
        """Answer an exception; return whether it is to be raised again.

        Arguments:
            exc: what came out of the application.
            started: whether a head that needed no look was sent already.

        """
        if raised_by_send(exc, self._send):
            report_disconnect(exc, self._request)
            return False
        if started:
            self._exchange.pass_on()
        self._exchange.ours = self._state.get(STATE_REPLY)
        failed = self._exchange.fail(exc, seen=was_seen(exc, self._request.request_id))
        mark_seen(exc, self._request.request_id)
        try:
            await self._forward(failed.pieces)
        except OSError as gone:
            report_disconnect(gone, self._request)
        return failed.hand_on or not isinstance(exc, Exception)

    def abandon(self) -> None:
        """Take note that the application was stopped: nothing more is sent."""
        self._exchange.abandon()

    async def end(self) -> None:
        """Take note that the application returned."""
        await self._forward(self._exchange.end())

    async def _forward(self, pieces: list[Piece]) -> None:
        match pieces:
            case [Head(original=False) as head, Chunk() as whole]:
                # Written down before its head is sent: whoever stands outside knows it then.
                self._state[STATE_REPLY] = Reply(head.status, head.headers, whole.body)
            case _:
                pass
        for piece in pieces:
            if isinstance(piece, Head):
                await self._send(self._event(piece))
            else:
                await self._send(
                    {
                        "type": f"{self._prefix}.body",
                        "body": piece.body,
                        "more_body": piece.more,
                    }
                )

    def _event(self, head: Head) -> Message:
        if not head.original:
            return {
                "type": f"{self._prefix}.start",
                "status": head.status,
                "headers": wire_fields(head.headers),
            }
        if head.status < 200:
            return self._original
        # A new list, never one changed in place: a response object may be sent twice.
        name = self._pipeline.config.request_id_header.lower().encode("ascii")
        kept = [pair for pair in self._original["headers"] if pair[0].lower() != name]
        return {
            **self._original,
            "headers": [*kept, (name, self._request.request_id.encode("latin-1"))],
        }


def _text(value: bytes | str) -> str:
    # A header that is no bytes is the application's mistake: shown as one no server takes.
    return value.decode("latin-1") if isinstance(value, bytes) else f"\0{value!a}"
