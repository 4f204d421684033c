"""The pure ASGI middleware.

A success of known length costs one id, one context variable, one look at the head and
one header; everything else (a head to hold, an error to rewrite, a stream to end) goes
through an `ExchangeDriver`, which drives the core's `ResponseState`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kaiko_asgi._websocket import Socket
from kaiko_asgi.cors import CorsHeaders
from kaiko_asgi.knowledge import Knowledge
from kaiko_asgi.scope import (
    WSGI_ENVIRON,
    find_coverage,
    header_values,
    is_answerable,
    state_around,
)
from kaiko_asgi.send_wrapper import SendWrapper
from kaiko_middleware import Config, current_request_id
from kaiko_middleware.arguments import require_asgi_app
from kaiko_middleware.ids import (
    inbound_request_id,
    reset_request_id,
    restore_request_id,
    set_request_id,
)
from kaiko_middleware.layers import LAYERS, REQUEST_ID, layers_of
from kaiko_middleware.pipeline import Pipeline
from kaiko_middleware.safe_exception import traceback_of

if TYPE_CHECKING:
    from kaiko_asgi._types import ASGIApp, Receive, Scope, Send, State
    from kaiko_middleware.layers import Layers


class KaikoMiddleware:
    """Turns every error answer of the application it wraps into an envelope.

    Unmapped exceptions are answered and then raised again (`Config.reraise`), so that
    servers, test clients and error trackers still see them.

    Arguments:
        app: any ASGI application.
        config: the settings; all defaults when left out.

    Raises:
        TypeError: `app` is not an ASGI application, or `config` not a `Config`.

    """

    is_outermost: bool = True
    """Whether no part of an adapter outside asks what was answered here."""

    def __init__(self, app: ASGIApp, config: Config | None = None) -> None:
        require_asgi_app("kaiko_asgi.KaikoMiddleware", app)
        self.app = app
        self._pipeline = Pipeline(Config() if config is None else config)
        self._header = self._pipeline.config.request_id_header.lower().encode("ascii")
        self._names = frozenset((self._header,))
        self._trusting = self._pipeline.config.trust_request_id
        self._everywhere = self._pipeline.covers_everything
        self._pop = self._pipeline.ids.pop
        cors = CorsHeaders(app, self._pipeline.config.request_id_header, ours=type(self))
        self.known: Knowledge = Knowledge(self._pipeline, cors)
        """What is the same for all requests."""

    async def __call__(  # noqa: C901, PLR0912 - the hot path: each call of our own costs too much
        self, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self._serve_other(scope, receive, send)
            return
        if not self._everywhere and not self.covers(scope):
            await self._serve_uncovered(scope, receive, send)
            return
        try:
            state: State | None = scope["state"]
        except KeyError:
            state = None
        if state is None:
            state = state_around(scope) if WSGI_ENVIRON in scope else {}
            scope["state"] = state
        if state and REQUEST_ID in state:
            request_id = self._identify(scope, state)
        elif self._trusting:
            request_id = inbound_request_id(scope["headers"], self._names) or self._new_id(scope)
        else:
            try:
                request_id = self._pop()
            except IndexError:
                request_id = self._pipeline.ids.refill()
        state[REQUEST_ID] = request_id
        wrapper = SendWrapper()
        wrapper.known = self.known
        wrapper.scope = scope
        wrapper.request_id = request_id
        wrapper.client = receive
        wrapper.server = send
        wrapper.way = None
        wrapper.whole = False
        token = set_request_id(request_id)
        try:
            await self.app(scope, wrapper, wrapper.send)
            if not wrapper.whole:
                await wrapper.end()
        except BaseException as exc:
            if await self.fail(exc, wrapper):
                self._hand_on(exc, state, is_inside=token.old_value == request_id)
                raise
        finally:
            try:
                restore_request_id(token)
            except ValueError:  # a coroutine that is closed elsewhere has nothing to restore
                pass

    async def fail(self, exc: BaseException, wrapper: SendWrapper) -> bool:
        """Answer an exception; return whether it is to be raised again.

        Adapters of frameworks that answer some exceptions outside of this middleware have
        their own way to do that.

        Arguments:
            exc: what came out of the application.
            wrapper: the response.

        """
        if issubclass(type(exc), Exception) or is_answerable(exc):
            return await wrapper.driven().fail(exc)
        wrapper.abandon()
        return True

    def _hand_on(self, exc: BaseException, state: State, *, is_inside: bool) -> None:
        """Leave out the frame of our middleware from an exception that is raised again.

        To format one frame costs more than all that is done here.

        Arguments:
            exc: the exception.
            state: the state of the request's scope.
            is_inside: whether a layer of ours is outside of this one.

        """
        traceback = traceback_of(exc)
        if traceback is not None and traceback.tb_next is not None:
            BaseException.with_traceback(exc, traceback.tb_next)
        if self.is_outermost and not is_inside:
            # The exception need not be known any more. The wrapper still has the record, and
            # the exception's frames have the wrapper.
            layers: Layers | None = state.pop(LAYERS, None)
            if layers is not None:
                layers.forget()

    def covers(self, scope: Scope) -> bool:
        """Whether answers are ours, by the path that the application's router matches."""
        return self._everywhere or find_coverage(self._pipeline.config, scope)

    def _identify(self, scope: Scope, state: State) -> str:
        """Return the request's id: an outer layer's, an inbound one that is trusted, or new."""
        if state:
            request_id = state.get(REQUEST_ID)
            # An outer layer's id is also the current one; another's, left in a state that a
            # server failed to copy, is not.
            if isinstance(request_id, str) and request_id == current_request_id():
                layers_of(state, request_id)  # it asks what becomes of the answer here
                return request_id
        if not self._trusting:
            return self._pipeline.ids()
        return inbound_request_id(scope["headers"], self._names) or self._new_id(scope)

    def _new_id(self, scope: Scope) -> str:
        """Return a new id for a request whose own cannot be taken, which is logged."""
        return self._pipeline.request_id(header_values(scope, self._header))

    async def _serve_uncovered(self, scope: Scope, receive: Receive, send: Send) -> None:
        # What is left alone must not see the id of an app that calls it in process; that of
        # a layer around this one stays.
        current = current_request_id()
        state: State = scope.get("state") or {}
        around = state.get(REQUEST_ID)
        token = set_request_id(current if current == around else None)
        try:
            await self.app(scope, receive, send)
        finally:
            reset_request_id(token)

    async def _serve_other(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket":
            await self.app(scope, receive, send)
            return
        if not self.covers(scope):
            await self._serve_uncovered(scope, receive, send)
            return
        state: State = scope.setdefault("state", {})
        request_id = state[REQUEST_ID] = self._identify(scope, state)
        token = set_request_id(request_id)
        try:
            await Socket(self._pipeline, scope, receive, send, request_id).serve(self.app)
        finally:
            reset_request_id(token)
