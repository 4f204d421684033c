"""Drives the core's `ResponseState` with ASGI events, for every answer but a plain success."""

from __future__ import annotations

import sys
from functools import lru_cache, partial
from typing import TYPE_CHECKING

from kaiko_asgi.event_loop import has_left, let_write, running_loop
from kaiko_asgi.observers import DATADOGS, tell_observers
from kaiko_asgi.scope import (
    BODY_LIMIT,
    REQUEST_PATH,
    came_through,
    header_values,
    lift_body_limit,
    raised_by_send,
    shows_debug_page,
)
from kaiko_middleware import KaikoError, PayloadTooLargeError
from kaiko_middleware.config import served_path
from kaiko_middleware.layers import PASS_THROUGH, layers_of
from kaiko_middleware.report import RequestInfo, report_disconnect
from kaiko_middleware.response_pieces import Head
from kaiko_middleware.response_state import ResponseState
from kaiko_middleware.safe_exception import context_of

if TYPE_CHECKING:
    from asyncio import Task, TimerHandle
    from collections.abc import Awaitable, Iterable, Sequence

    from kaiko_asgi._types import ASGIApp, Message, Receive, Scope, Send, State
    from kaiko_asgi.cors import CorsHeaders
    from kaiko_middleware.pipeline import Pipeline
    from kaiko_middleware.response_pieces import Piece

    RawFields = list[tuple[bytes, bytes]]

__all__ = ["ExchangeDriver", "encode_fields", "request_info", "with_id"]

_END_IS_HELD = 0.1
"""Seconds: frameworks raise what ended a stream within a millisecond."""
# A body by another way than a body's event, or what comes after one.
_OTHER_BODIES = frozenset({"pathsend", "zerocopysend", "trailers"})
_EVENTS = frozenset({"start", "body"})


def request_info(scope: Scope, request_id: str, *, typed: bool = False) -> RequestInfo:
    """Return what the core wants to know of a request.

    Arguments:
        scope: the request's.
        request_id: its id.
        typed: whether the fields are looked for by which returned answers are read.

    """
    method: str = scope["method"] if "method" in scope else scope["type"].upper()
    path: str = scope.get(REQUEST_PATH) or scope.get("path", "-")
    # A router adds to the root path what it has matched, and keeps the one before.
    root_path: str | None = scope.get("app_root_path", scope.get("root_path"))
    if root_path:
        path = served_path(path, root_path)
    if not typed:
        return RequestInfo(request_id, method, path)
    kind = ",".join(header_values(scope, b"content-type"))
    connect_version = ",".join(header_values(scope, b"connect-protocol-version"))
    return RequestInfo(request_id, method, path, kind, connect_version)


def encode_fields(fields: Iterable[tuple[str, str]]) -> RawFields:
    """Return the header fields of a reply as ASGI has them."""
    return [(_encode_name(name), value.encode("latin-1")) for name, value in fields]


@lru_cache(maxsize=256)
def _encode_name(name: str) -> bytes:
    return name.lower().encode("latin-1")


def with_id(message: Message, id_header: str, request_id: str) -> Message:
    """Return an event with headers as it was, but for the one request id."""
    name = _encode_name(id_header)
    # A new list, never one changed in place: a response object may be sent twice.
    kept = [pair for pair in message.get("headers") or () if pair[0].lower() != name]
    return {**message, "headers": [*kept, (name, request_id.encode("ascii"))]}


class ExchangeDriver:
    """One response on its way to `send`.

    The empty last body of an event stream or of JSON lines is held, until it is known how
    the stream ends: frameworks end it first and raise afterwards.

    Arguments:
        pipeline: the core's steps.
        scope: the connection's.
        request_id: the request's id.
        send: the server's.
        cors: the CORS middleware that an exception passes before it is answered here.

    """

    prefix = "http.response"
    """What the events are called."""
    _original: Message
    """The application's head."""
    _timer: TimerHandle | None
    """Ends the time that the end of a stream is held for; None where none is."""
    _releasing: Task[None] | None
    """Sends that end when its time is over."""

    def __init__(
        self,
        pipeline: Pipeline,
        scope: Scope,
        request_id: str,
        send: Send,
        cors: CorsHeaders | None = None,
    ) -> None:
        self.scope: Scope = scope
        self._pipeline = pipeline
        self._send = send
        self._cors = cors
        self._timer = self._releasing = None
        self._layers = layers_of(scope["state"], request_id)
        self.response: ResponseState = ResponseState(
            pipeline,
            request_info(scope, request_id),
            layers=self._layers,
            framework_debug=getattr(scope.get("app"), "debug", False) and shows_debug_page(scope),
            deferring=True,
        )

    @property
    def length(self) -> bytes | None:
        """The `Content-Length` of the application's head; None where it has none."""
        fields: RawFields = self._original["headers"]
        return next((value for name, value in fields if name.lower() == b"content-length"), None)

    def stream(self, message: Message) -> Awaitable[None]:
        """Take one event of a stream that can be ended, and whose head is out."""
        body: object = message.get("body")
        if (
            type(body) is not bytes
            or not body
            or not message.get("more_body")
            or self._timer is not None
            or self._releasing is not None
        ):
            return self.send(message)
        # What is sent last tells how the stream can be ended.
        response = self.response
        response.tail = body[-4:] if len(body) >= 4 else (response.tail + body)[-4:]
        return self._send(message)

    async def send(self, message: Message) -> None:
        """Take one event of the application's."""
        response = self.response
        if self.ending:
            await self.let_go()
        event = message["type"].removeprefix(f"{self.prefix}.")
        if event == "start":
            pieces = self.start(message)
        elif event == "body":
            body: bytes = message.get("body", b"")
            more: bool = message.get("more_body", False)
            if response.endable and body == b"" and not more and self._hold_end():
                return
            pieces = response.body(body, more=more)
        else:
            pieces = response.other_body() if event in _OTHER_BODIES else []
        if pieces:
            await self._forward(pieces)
        if event not in _EVENTS and (response.passing or event not in _OTHER_BODIES):
            await self._send(message)

    def start(self, message: Message) -> Sequence[Piece]:
        """Take the application's head; return what to send now."""
        response, scope = self.response, self.scope
        status: int = message["status"]
        fields = list(message.get("headers", ()))
        headers = [(_text(name), _text(value)) for name, value in fields]
        if BODY_LIMIT in scope and lift_body_limit(scope) and status != 413:
            return response.fail(PayloadTooLargeError()).pieces
        state: State = scope["state"]
        if status >= 400:
            request_id = response.request.request_id
            response.read_request = partial(request_info, scope, request_id, typed=True)
        # The application may change its list, or the whole message, while this is held.
        self._original = {**message, "headers": fields}
        return response.start(status, headers, as_it_is=bool(state.get(PASS_THROUGH)))

    def _hold_end(self) -> bool:
        """Hold the end of a stream for a while, where there is a clock to tell how long."""
        loop = running_loop()
        if loop is None:
            return False

        def release() -> None:
            self._timer = None
            last = self.response.body(b"", more=False)
            self._releasing = loop.create_task(self._forward(last, last=True))

        self._timer = loop.call_later(_END_IS_HELD, release)
        return True

    @property
    def ending(self) -> bool:
        """Whether the end of a stream is held, or goes out at this very moment."""
        return self._timer is not None or self._releasing is not None

    def drop_end(self) -> bool:
        """Keep the end of a stream from being sent; return whether one was held."""
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()
        return timer is not None

    async def let_go(self) -> None:
        """Send the end of a stream that is held, or wait until it is sent."""
        if self._releasing is None:
            self.drop_end()
            await self._forward(self.response.body(b"", more=False), last=True)
        else:
            await self._releasing

    async def deny(self, error: KaikoError) -> None:
        """Answer with `error` in place of what the application did."""
        await self._forward(self.response.refuse(error))

    async def fail(
        self, exc: BaseException, *, answered_outside: bool = False, outermost: bool = False
    ) -> bool:
        """Answer an exception; return whether it is to be raised again.

        Arguments:
            exc: what came out of the application.
            answered_outside: whether an outer layer of the framework answers an unmapped
                exception where nothing was sent.
            outermost: whether it left all middleware, so that tracing has seen it.

        """
        response = self.response
        if self._releasing is not None:
            await self._releasing
        held = self._timer is not None and self.drop_end()
        if (context_of(exc) is not None or issubclass(type(exc), OSError)) and self.says_gone(exc):
            report_disconnect(exc, response.request)
            response.abandon()
            return False
        if response.whole and came_through(exc, self._send):
            response.whole = False  # the server refused the end of the body
        pieces, hand_on, unmapped = response.fail(exc, answered_outside=answered_outside)
        if held and not pieces and response.started:
            pieces = response.body(b"", more=False)
        if pieces:
            sent = None
            observed = "opentelemetry" in sys.modules or DATADOGS in self.scope
            if unmapped and not outermost and observed:
                sent = tell_observers(exc, self.scope)
            await self._forward(pieces, last=True)
            if sent is not None:
                sent()
        if isinstance(exc, Exception):
            return hand_on
        await let_write()  # the exception ends the process
        return True

    def says_gone(self, exc: BaseException) -> bool:
        """Whether `exc` is how the server's `send` says that the client left."""
        return raised_by_send(exc, self._send)

    async def answer(self, given: ASGIApp, receive: Receive, exc: Exception) -> bool:
        """Send what the service's handler answers; return whether `exc` is raised again."""
        self.response.answers_exception = True
        await given(self.scope, receive, self.send)
        failed = self.response.end_answer(exc)
        await self._forward(failed.pieces, last=True)
        return failed.hand_on

    def abandon(self) -> None:
        """Take note that the application was stopped: nothing more is sent."""
        self.drop_end()
        self.response.abandon()

    async def end(self, client: Receive | None = None, *, client_left: bool = False) -> None:
        """Take note that the application returned.

        Arguments:
            client: the server's `receive`, which is asked whether the client is gone.
            client_left: whether the application was told so.

        """
        if self.ending:
            await self.let_go()
        response = self.response
        if response.unfinished and client is not None:
            client_left = client_left or await has_left(client)
        pieces = response.end(client_left=client_left)
        if pieces:
            await self._forward(pieces)

    async def _forward(self, pieces: Sequence[Piece], *, last: bool = False) -> None:
        """Send what is to be sent; `last` says that the application does not wait for it."""
        response, cors = self.response, self._cors
        if response.client_gone:
            return
        for piece in pieces:
            if not isinstance(piece, Head):
                body, more = piece
                message: Message = {"type": f"{self.prefix}.body", "body": body, "more_body": more}
            elif piece.original:
                id_header, original = self._pipeline.config.request_id_header, self._original
                own = with_id(original, id_header, response.request.request_id)
                message = original if piece.status < 200 else own
            else:
                status, headers, _ = piece
                fields = encode_fields(headers)
                message = {"type": f"{self.prefix}.start", "status": status, "headers": fields}
            if response.answers_exception and cors is not None and isinstance(piece, Head):
                for name, _ in self.scope["headers"]:
                    if name == b"origin":
                        message = await cors.put_on(message, self.scope, self._layers.inner)
                        break
            try:
                await self._send(message)
            except OSError as gone:
                response.client_gone = True
                if not last:
                    raise
                report_disconnect(gone, response.request)
                return


def _text(value: bytes | str) -> str:
    # A header that is no bytes is the application's mistake: shown as one no server takes.
    return value.decode("latin-1") if isinstance(value, bytes) else f"\0{value!a}"
