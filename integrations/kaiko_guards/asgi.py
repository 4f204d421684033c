"""The guards as pure ASGI middleware, for any ASGI application."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, cast

from kaiko_asgi import KaikoMiddleware
from kaiko_asgi.event_loop import running_loop
from kaiko_asgi.scope import REQUEST_PATH
from kaiko_guards._chain import Guards, ask_plain_verifier, ask_verifier, needs_loop_verifier
from kaiko_guards._request import GuardedRequest
from kaiko_guards._running import Running
from kaiko_guards._sizes import Tally
from kaiko_guards._timers import TimersByLength
from kaiko_middleware import Config, KaikoError, current_request_id
from kaiko_middleware.arguments import require_asgi_app
from kaiko_middleware.config import routed_path
from kaiko_middleware.layers import REQUEST_ID

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from kaiko_asgi import ASGIApp, Receive, Scope, Send
    from kaiko_guards._chain import Guard
    from kaiko_guards._request import TrustedProxies

__all__ = ["GuardMiddleware"]

_REFUSAL = "kaiko_refusal"
PRINCIPAL = "principal"
"""The key of the scope's state for whom the request's key belongs to."""


class GuardMiddleware:
    """Runs the guards before the application.

    It stands inside of the envelope middleware, and works without it as well: what it refuses is
    an envelope either way.

    Arguments:
        app: any ASGI application.
        guards: the guards, in any order.
        config: the envelope's settings, where there is no envelope middleware.
        trusted_proxies: addresses and networks of proxies whose `X-Forwarded-For` is believed;
            `unix:` for the server's Unix socket.

    Raises:
        ConfigError: a value is not allowed.

    """

    def __init__(
        self,
        app: ASGIApp,
        guards: Iterable[Guard] = (),
        *,
        config: Config | None = None,
        trusted_proxies: Iterable[str] = (),
    ) -> None:
        require_asgi_app("kaiko_guards.asgi.GuardMiddleware", app)
        self.app = app
        self._guards = Guards(guards, trusted_proxies)
        needs_loop_verifier("guards: verifier", self._guards.keys)
        deadline = self._guards.deadline
        self._timers = TimersByLength() if deadline is None else TimersByLength(deadline.lengths)
        self._answering = KaikoMiddleware(_raise_refusal, config)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] not in ("http", "websocket"):
            await self._serve_lifespan(scope, receive, send)
            return
        guards = self._guards
        request = _request(scope, guards.proxies)
        running = Running(request, receive, send, partial(self._answer, scope))
        try:
            if guards.deadline is not None and scope["type"] == "http":
                running.limit_time(guards.deadline, guards.seconds_for(request), self._timers)
            if guards.size is not None and scope["type"] == "http":
                running.tally = Tally(guards.size.for_path(request.path))
                running.tally.announce(request.read_header("content-length"))
            try:
                keys = guards.keys
                if keys is not None and keys.needs_key(request):
                    value = request.read_header(keys.header)
                    found = (
                        ask_plain_verifier(keys, value)
                        if guards.asks_plainly
                        else await ask_verifier(keys, value)
                    )
                    keys.admit(request, *found)
                    scope.setdefault("state", {})[PRINCIPAL] = request.principal
                counting = guards.counting
                loop = running_loop() if counting.waits else None
                if loop is None:
                    running.standing = counting.count(request)
                else:
                    running.standing = await counting.count_async(request, loop)
            except BaseException as exc:
                if await running.end_late(exc):
                    return
                raise
            await running.run(self.app, scope)
        except KaikoError as refused:
            if running.started or _is_inside(scope):
                raise
            await self._answer(scope, running.receive, running.send_directly, refused)
        finally:
            running.finish()

    async def _serve_lifespan(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Connect to the servers that count before the first request, and close at the end."""
        loop = running_loop()
        if loop is None:
            await self.app(scope, receive, send)
            return
        await self._guards.counting.open(loop)
        try:
            await self.app(scope, receive, send)
        finally:
            await self._guards.counting.close(loop)

    async def _answer(self, scope: Scope, receive: Receive, send: Send, error: KaikoError) -> None:
        state = scope.setdefault("state", {})
        state[_REFUSAL] = error
        await self._answering(scope, receive, send)


def _request(scope: Scope, proxies: TrustedProxies) -> GuardedRequest:
    client = cast("tuple[str, int] | None", scope.get("client"))
    return GuardedRequest(
        scope["method"] if scope["type"] == "http" else "WEBSOCKET",
        routed_path(scope.get(REQUEST_PATH) or scope["path"], scope.get("root_path") or ""),
        _Headers(scope["headers"]).read,
        client[0] if client else None,
        proxies,
    )


class _Headers:
    """The fields of one request: looked up as often as there are guards."""

    __slots__ = ("_fields", "_single")

    def __init__(self, fields: Sequence[tuple[bytes, bytes]]) -> None:
        self._fields = fields
        self._single: dict[bytes, bytes] | None = None

    def read(self, name: str, /) -> str | None:
        """Return a field's value, its values joined by commas."""
        single = self._single
        if single is None:
            single = self._single = dict(self._fields)
        wanted = name.encode("latin-1")
        value = single.get(wanted)
        if value is None:
            return None
        if len(single) == len(self._fields):
            return value.decode("latin-1")
        return b",".join([each for key, each in self._fields if key == wanted]).decode("latin-1")


def _is_inside(scope: Scope) -> bool:
    """Whether an envelope middleware outside answers what is raised here."""
    state: dict[str, object] = scope.get("state") or {}
    request_id: object = state.get(REQUEST_ID)
    return request_id is not None and request_id == current_request_id()


async def _raise_refusal(scope: Scope, _receive: Receive, _send: Send) -> None:
    error: KaikoError = scope["state"].pop(_REFUSAL)
    raise error
