"""The pure ASGI middleware.

A success of known length costs one id, one context variable, one look at the head and
one header; everything else (a head to hold, an error to rewrite, a stream to end) goes
through a `Flow`, which drives the core's `Exchange`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kaiko_asgi._flow import Flow
from kaiko_asgi._websocket import serve_websocket
from kaiko_asgi.scope import (
    BODY_LIMIT,
    STATE_ID,
    STATE_REPORT,
    header_values,
    is_answerable,
    request_info,
)
from kaiko_middleware import Config, current_request_id
from kaiko_middleware.engine import Engine
from kaiko_middleware.headers import is_field_name
from kaiko_middleware.ids import reset_request_id, set_request_id

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from kaiko_asgi._types import ASGIApp, Message, Receive, Scope, Send, State


_PLAIN, _LENGTH, _OWN = range(3)
_NAMES_KEPT = 512


class KaikoMiddleware:
    """Turns every error answer of the application it wraps into an envelope.

    Unmapped exceptions are answered and then raised again (`Config.reraise`), so that
    servers, test clients and error trackers still see them.

    Arguments:
        app: any ASGI application.
        config: the settings; all defaults when left out.

    """

    def __init__(self, app: ASGIApp, config: Config | None = None) -> None:
        self.app = app
        self._engine = Engine(Config() if config is None else config)
        self._header = self._engine.config.request_id_header.lower().encode("ascii")
        self._trusting = self._engine.config.trust_request_id
        self._everywhere = self._engine.covers_everything
        self._pop = self._engine.ids.pop
        # What the names of headers that were looked at are, so that each is looked at once.
        self._names: dict[bytes, int] = {b"content-length": _LENGTH, self._header: _OWN}

    async def __call__(  # noqa: C901, PLR0912, PLR0915 - hot: a call of our own costs too much
        self, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self._serve_other(scope, receive, send)
            return
        if not self._everywhere and not self._engine.config.covers(scope["path"]):
            await self._serve_uncovered(scope, receive, send)
            return
        state: State | None = scope.get("state")
        if state is None:
            made: State = {}
            state = scope["state"] = made
        if self._trusting or STATE_ID in state:
            request_id = self._identify(scope, state)
        else:
            try:
                request_id = self._pop()
            except IndexError:
                request_id = self._engine.ids.refill()
        state[STATE_ID] = request_id
        id_field = (self._header, request_id.encode("latin-1"))
        names = self._names
        limited = BODY_LIMIT in scope
        started = False
        flow: Flow | None = None

        # A plain function that returns the server's awaitable: a coroutine of our own for
        # each event would cost as much as all the rest.
        def forward(message: Message) -> Awaitable[None]:  # noqa: C901 - likewise
            nonlocal started, flow
            if started:
                return send(message)
            if flow is None:
                if message["type"] == "http.response.start" and 200 <= message["status"] < 400:
                    known_length = False
                    headers: list[tuple[bytes, bytes]] = message.get("headers", ())
                    if type(headers) is not list:
                        headers = list(headers)  # a generator can be looked at only once
                        message = {**message, "headers": headers}
                    for name, value in headers:
                        kind = names.get(name)
                        if kind is None:
                            kind = self._learn(name)
                        if kind is _LENGTH:
                            known_length = True
                        elif kind is not _PLAIN:
                            break  # the application's own id, to be replaced, or no name
                        if not value.decode("latin-1").isprintable():
                            break  # perhaps none that a server takes
                    else:
                        if known_length and not limited:
                            started = True
                            return send({**message, "headers": [*headers, id_field]})
                flow = self._flow(scope, request_id, send)
            return flow.send(message)

        token = set_request_id(request_id)
        try:
            await self.app(scope, receive, forward)
            if not started:
                await (flow or self._flow(scope, request_id, send)).end()
        except BaseException as exc:
            if not is_answerable(exc):
                if flow is not None:
                    flow.abandon()
                raise
            if flow is None:
                flow = self._flow(scope, request_id, send)
            if await flow.fail(exc, started=started):
                raise
        finally:
            if STATE_REPORT in state:
                state.pop(STATE_REPORT)()
            reset_request_id(token)

    def _identify(self, scope: Scope, state: State) -> str:
        """Return the request's id: an outer layer's, an inbound one that is trusted, or new."""
        request_id = state.get(STATE_ID)
        # An outer layer's id is also the current one; another's, left in a state that a
        # server failed to copy, is not.
        if isinstance(request_id, str) and request_id == current_request_id():
            return request_id
        return self._engine.request_id(header_values(scope, self._header))

    def _flow(self, scope: Scope, request_id: str, send: Send) -> Flow:
        return Flow(self._engine, request_info(scope, request_id, typed=True), scope, send)

    def _learn(self, name: object) -> int | None:
        """Return what a header name that was not seen yet is; None where it is none."""
        if not isinstance(name, bytes) or not is_field_name(name.decode("latin-1")):
            return None
        kind = self._names.get(name.lower(), _PLAIN)
        if len(self._names) < _NAMES_KEPT:
            self._names[name] = kind
        return kind

    async def _serve_uncovered(self, scope: Scope, receive: Receive, send: Send) -> None:
        # What is left alone must not see the id of an app that calls it in process; that of
        # a layer around this one stays.
        current = current_request_id()
        state: State = scope.get("state") or {}
        around = state.get(STATE_ID)
        token = set_request_id(current if current == around else None)
        try:
            await self.app(scope, receive, send)
        finally:
            reset_request_id(token)

    async def _serve_other(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket":
            await self.app(scope, receive, send)
            return
        if not self._engine.config.covers(scope["path"]):
            await self._serve_uncovered(scope, receive, send)
            return
        state: State = scope.setdefault("state", {})
        request_id = state[STATE_ID] = self._identify(scope, state)
        token = set_request_id(request_id)
        try:
            await serve_websocket(
                self.app, self._engine, scope, receive, send, request_id=request_id
            )
        finally:
            reset_request_id(token)
