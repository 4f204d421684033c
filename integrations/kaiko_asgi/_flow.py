"""Drives the core's `Exchange` with ASGI events: the way of every answer but a plain success."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kaiko_asgi.scope import STATE_PASS, STATE_REPLY, STATE_SEEN, raised_by_send
from kaiko_middleware import Reply
from kaiko_middleware.exchange import Exchange, Head
from kaiko_middleware.report import report_disconnect

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from kaiko_asgi._types import Message, Send, State
    from kaiko_middleware import KaikoError
    from kaiko_middleware.engine import Engine
    from kaiko_middleware.exchange import Piece
    from kaiko_middleware.report import RequestInfo

_FORWARDED = frozenset({"early_hint", "push", "debug"})


class Flow:
    """One response on its way to `send`.

    Arguments:
        engine: the core's steps.
        request: the request that is answered.
        state: the scope's state, by which the layers of one request know each other.
        send: the server's.
        prefix: what the events are called: `http.response` or `websocket.http.response`.
        debug_page: whether the framework's debug page is left alone.

    """

    __slots__ = ("_engine", "_exchange", "_original", "_prefix", "_request", "_send", "_state")

    def __init__(
        self,
        engine: Engine,
        request: RequestInfo,
        state: State,
        send: Send,
        *,
        prefix: str = "http.response",
        debug_page: bool = False,
    ) -> None:
        self._engine = engine
        self._request = request
        self._state = state
        self._send = send
        self._prefix = prefix
        self._original: Message = {}
        self._exchange = Exchange(engine, request, framework_debug=debug_page)

    def send(self, message: Message) -> Awaitable[None]:
        """Take one event of the application's."""
        if self._exchange.passing:
            return self._send(message)
        return self._feed(message)

    async def _feed(self, message: Message) -> None:
        exchange = self._exchange
        event = message["type"].removeprefix(f"{self._prefix}.")
        if event == "start":
            self._original = message
            headers = [
                (_text(name), _text(value)) for name, value in message.get("headers", ())
            ]
            exchange.ours = self._state.get(STATE_REPLY)
            if message["status"] >= 400 and self._state.get(STATE_PASS):
                pieces = exchange.pass_on(message["status"], headers)
            else:
                pieces = exchange.start(message["status"], headers)
            await self._forward(pieces)
        elif event == "body":
            body: bytes = message.get("body", b"")
            await self._forward(exchange.body(body, more=message.get("more_body", False)))
        elif event in _FORWARDED:
            await self._send(message)
        else:
            # A body by another way (pathsend, zerocopysend), or trailers.
            await self._forward(exchange.other_body())
            if exchange.passing:
                await self._send(message)

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
        failed = self._exchange.fail(exc, seen=self._state.get(STATE_SEEN) == id(exc))
        self._state[STATE_SEEN] = id(exc)
        try:
            await self._forward(failed.pieces)
        except OSError as gone:
            report_disconnect(gone, self._request)
        return failed.hand_on or not isinstance(exc, Exception)

    async def end(self) -> None:
        """Take note that the application returned."""
        await self._forward(self._exchange.end())

    async def _forward(self, pieces: list[Piece]) -> None:
        head: Head | None = None
        for piece in pieces:
            if isinstance(piece, Head):
                head = piece
                await self._send(self._start(piece))
            else:
                if head is not None and not head.original:
                    # Written down before it is sent: whoever stands outside knows it then.
                    self._state[STATE_REPLY] = Reply(head.status, head.headers, piece.body)
                await self._send(
                    {
                        "type": f"{self._prefix}.body",
                        "body": piece.body,
                        "more_body": piece.more,
                    }
                )

    def _start(self, head: Head) -> Message:
        if not head.original:
            return {
                "type": f"{self._prefix}.start",
                "status": head.status,
                "headers": [
                    (name.lower().encode("latin-1"), value.encode("latin-1"))
                    for name, value in head.headers
                ],
            }
        # Copied, never changed in place: a response object may be sent twice.
        name = self._engine.config.request_id_header.lower().encode("ascii")
        kept = [pair for pair in self._original.get("headers", ()) if pair[0].lower() != name]
        return {
            **self._original,
            "headers": [*kept, (name, self._request.request_id.encode("latin-1"))],
        }


def _text(value: bytes | str) -> str:
    # A header that is no bytes is the application's mistake: shown as one no server takes.
    return value.decode("latin-1") if isinstance(value, bytes) else f"\0{value!a}"
