"""The guards as pure ASGI middleware, for any ASGI application."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from kaiko_asgi import KaikoMiddleware
from kaiko_asgi.event_loop import running_loop, running_task
from kaiko_guards._chain import Guards, ask_plain_verifier, ask_verifier, needs_loop_verifier
from kaiko_guards._running import Running
from kaiko_guards._sizes import check_length
from kaiko_guards._timers import TimersByLength
from kaiko_middleware import Config, KaikoError, current_request_id
from kaiko_middleware.arguments import require_asgi_app
from kaiko_middleware.deadline import DEADLINE_HEADER, ends_at
from kaiko_middleware.layers import REQUEST_ID

if TYPE_CHECKING:
    from collections.abc import Iterable
    from contextvars import Token

    from kaiko_asgi import ASGIApp, Receive, Scope, Send
    from kaiko_guards._chain import Guard
    from kaiko_guards._deadlines import Deadline
    from kaiko_guards._request import TrustedProxies

__all__ = ["GuardMiddleware"]

_DEADLINE = DEADLINE_HEADER.lower().encode("ascii")
_LENGTH = b"content-length"
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
        self.proxies: TrustedProxies = self._guards.proxies
        needs_loop_verifier("guards: verifier", self._guards.keys)
        deadline = self._guards.deadline
        self._timers = TimersByLength() if deadline is None else TimersByLength(deadline.lengths)
        self._answering = KaikoMiddleware(_raise_refusal, config)
        keys = self._guards.keys
        self._key_header = b"" if keys is None else keys.header.encode("ascii")
        self._wanted = frozenset({_DEADLINE, _LENGTH, self._key_header})

    async def __call__(  # noqa: C901, PLR0912, PLR0915 - each call of our own costs too much
        self, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Serve one connection."""
        is_http = scope["type"] == "http"
        if not is_http and scope["type"] != "websocket":
            await self._serve_lifespan(scope, receive, send)
            return
        guards = self._guards
        keys, counting = guards.keys, guards.counting
        wanted = self._wanted
        given: dict[bytes, bytes] = {}
        for name, value in scope["headers"]:
            if name in wanted:
                given[name] = b"%b,%b" % (given[name], value) if name in given else value
        request = Running(scope, receive, send, self)
        admitted = False
        token: Token[float | None] | None = None
        try:
            try:
                if is_http:
                    if guards.deadline is not None:
                        token = self._limit_time(request, guards.deadline, given.get(_DEADLINE))
                    if guards.size is not None:
                        request.max_bytes = guards.size.for_path(request.path)
                        receive = request.take
                        length = given.get(_LENGTH)
                        if length is not None:
                            check_length(length, request.max_bytes)
                if keys is not None and keys.needs_key(request):
                    found = given.get(self._key_header)
                    text = None if found is None else found.decode("latin-1")
                    key, valid = (
                        ask_plain_verifier(keys, text)
                        if guards.asks_plainly
                        else await ask_verifier(keys, text)
                    )
                    keys.admit(request, key, valid)
                    scope.setdefault("state", {})[PRINCIPAL] = valid.principal
                loop = running_loop() if counting.waits else None
                if loop is None:
                    request.standing = counting.count(request)
                else:
                    request.standing = await counting.count_async(request, loop)
                admitted = True
                await self.app(scope, receive, request.send)
                if request.late is not None or not request.started:
                    await request.returned()
            except BaseException as exc:
                if await request.ended_by(exc, admitted=admitted):
                    return
                raise
        except KaikoError as refused:
            if request.started or _is_inside(scope):
                raise
            await self.answer(scope, request.receive, request.send_directly, refused)
        finally:
            if request.timers is not None or request.late is not None:
                request.finish()
            if token is not None:
                try:
                    ends_at.reset(token)
                except ValueError:  # a coroutine that is closed elsewhere has nothing to restore
                    pass

    def _limit_time(
        self, request: Running, deadline: Deadline, asked: bytes | None
    ) -> Token[float | None] | None:
        """Begin to count the time, where it is limited.

        Without an asyncio loop nothing is ended: `deadline()` tells what is left.
        """
        wish = None if asked is None else asked.decode("latin-1")
        seconds = deadline.for_request(request.path, wish)
        if seconds is None:
            return None
        now = monotonic()
        token = ends_at.set(now + seconds)
        task = running_task()
        if task is not None:
            request.deadline = deadline
            request.task = task
            request.cancelled = task.cancelling()
            request.timers = timers = self._timers.find(task.get_loop(), seconds)
            timers.add(request, now)
        return token

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

    async def answer(self, scope: Scope, receive: Receive, send: Send, error: KaikoError) -> None:
        """Answer with an error in place of the application."""
        state = scope.setdefault("state", {})
        state[_REFUSAL] = error
        await self._answering(scope, receive, send)


def _is_inside(scope: Scope) -> bool:
    """Whether an envelope middleware outside answers what is raised here."""
    state: dict[str, object] = scope.get("state") or {}
    request_id: object = state.get(REQUEST_ID)
    return request_id is not None and request_id == current_request_id()


async def _raise_refusal(scope: Scope, _receive: Receive, _send: Send) -> None:
    error: KaikoError = scope["state"].pop(_REFUSAL)
    raise error
