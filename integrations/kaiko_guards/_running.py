"""One request while its application runs: its time, its body, and what its answer is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, cast

from kaiko_asgi.scope import REQUEST_PATH
from kaiko_guards._deadlines import timed_out
from kaiko_guards._late import Late
from kaiko_guards._limits_told import with_limits
from kaiko_guards._request import GuardedRequest
from kaiko_guards._sizes import Tally
from kaiko_guards._standing import limit_headers
from kaiko_middleware import PayloadTooLargeError
from kaiko_middleware.config import routed_path
from kaiko_middleware.layers import REQUEST_ID, layers_of

if TYPE_CHECKING:
    from asyncio import Task
    from collections.abc import Awaitable, Coroutine

    from kaiko_asgi import Message, Receive, Scope, Send
    from kaiko_guards._deadlines import Deadline
    from kaiko_guards._request import TrustedProxies
    from kaiko_guards._standing import Standing
    from kaiko_guards._timers import OwnTimer, Timers
    from kaiko_middleware import KaikoError

__all__ = ["Running"]

_START = "http.response.start"
_BODIES = frozenset({"http.response.body", "http.response.pathsend", "http.response.zerocopysend"})
"""The events that send a part of a body, those of the server's extensions too."""
_HANDSHAKES = frozenset({"websocket.accept", "websocket.close"})
"""The events after which no HTTP answer can follow."""


class _Middleware(Protocol):
    """What runs the guards."""

    proxies: TrustedProxies

    async def answer(self, scope: Scope, receive: Receive, send: Send, error: KaikoError) -> None:
        """Answer with an error in place of the application."""
        ...


class Running(GuardedRequest):
    """One request on its way through the guards.

    It is also what they know of the request: two objects would cost as much as a guard.

    Arguments:
        scope: the connection's.
        receive: the server's.
        send: the server's.
        middleware: the guards' middleware.

    """

    __slots__ = (
        "_server",
        "cancelled",
        "deadline",
        "late",
        "max_bytes",
        "middleware",
        "receive",
        "scope",
        "standing",
        "started",
        "tally",
        "task",
        "timers",
        "too_large",
    )

    standing: Standing | None
    """What is left of the limits; None where none governs the request."""
    max_bytes: int
    """Octets of the largest body; not set where it has no limit."""
    tally: Tally | None
    """Counts the body, once it is read."""
    too_large: PayloadTooLargeError | None
    """Why the body is refused."""
    timers: Timers | OwnTimer | None
    """What ends the work in time; None where nothing does, or not any more."""
    late: Late | None
    """What is done about work whose time is over."""
    deadline: Deadline
    """Not set where there is no loop that ends the work, as the two that follow."""
    task: Task[Any]
    """What runs the work."""
    cancelled: int
    """How often that task had been cancelled before."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, middleware: _Middleware) -> None:
        # Not by the base's `__init__`, which every request would pay for.
        self.method = scope.get("method", "WEBSOCKET")
        path, root_path = scope["path"], scope.get("root_path")
        if root_path or "//" in path or REQUEST_PATH in scope:
            path = routed_path(scope.get(REQUEST_PATH) or path, root_path or "")
        self.path = path
        self.key = self.valid_key = None
        self.scope: Scope = scope
        self.receive: Receive = receive
        self._server = send
        self.middleware: _Middleware = middleware
        self.started: bool = False
        """Whether the head of the answer is out."""
        self.standing = self.tally = self.too_large = self.timers = self.late = None

    def _connection(self) -> tuple[str | None, TrustedProxies]:
        client = cast("tuple[str, int] | None", self.scope.get("client"))
        return client[0] if client else None, self.middleware.proxies

    def read_header(self, name: str, /) -> str | None:
        """Return a header's value, its values joined by commas; `name` is lower-case."""
        wanted = name.encode("latin-1")
        values = [value for key, value in self.scope["headers"] if key == wanted]
        return b",".join(values).decode("latin-1") if values else None

    def expire(self) -> None:
        """Stop the work: its time is over."""
        self.timers = None
        self.late = Late(self, self.deadline, self.task, self.cancelled, self._answer)
        self.late.stop_work()

    def _answer(self, error: KaikoError) -> Coroutine[Any, Any, None] | None:
        if self.started:
            return None
        return self.middleware.answer(self.scope, self.receive, self.send_directly, error)

    async def returned(self) -> None:
        """Take note that the application returned, be it without an answer or late.

        Raises:
            PayloadTooLargeError: its request has a body that is too large.
            ServiceUnavailableError: it took too long.

        """
        late = self.late
        if late is not None and late.answering is not None:
            await late.answering
        elif not self.started:
            error = self.too_large or (None if late is None else timed_out())
            if error is not None:
                raise self._told(error)

    async def ended_by(self, exc: BaseException, *, admitted: bool) -> bool:
        """Return whether the client was answered while the work went on, which ended by `exc`.

        Arguments:
            exc: what came out of the application, or of a guard.
            admitted: whether it came out of the application.

        Raises:
            PayloadTooLargeError: the request has a body that is too large.
            ServiceUnavailableError: it took too long, and nothing is answered yet.

        """
        late = self.late
        error: KaikoError | None = None
        if self.too_large is not None and not self.started:
            error = self.too_large
        elif late is not None and late.ended_by(exc):
            error = timed_out()
        if admitted:
            self._promise()
        if late is not None and late.answering is not None and not (admitted and error is None):
            await late.answering
            return True
        if error is not None:
            raise self._told(error)
        return False

    def _told(self, error: KaikoError) -> KaikoError:
        """Return an error that tells what is left of the limit, whoever answers it."""
        if self.standing is not None:
            error.headers = tuple(limit_headers(self.standing))
        return error

    def _promise(self) -> None:
        """Have what is answered outside of the guards tell what is left of the limit, too."""
        state: dict[str, Any] = self.scope.get("state") or {}
        request_id: object = state.get(REQUEST_ID)
        if self.standing is not None and not self.started and isinstance(request_id, str):
            layers_of(state, request_id).promised = tuple(limit_headers(self.standing))

    async def take(self) -> Message:
        """Be the application's `receive`, and count the body."""
        message = await self.receive()
        if message["type"] == "http.request":
            tally = self.tally
            if tally is None:
                tally = self.tally = Tally(self.max_bytes)
            try:
                tally.add(len(message.get("body", b"")))
            except PayloadTooLargeError as error:
                self.too_large = error
                raise
        return message

    # These two return what the server's `send` returns: a coroutine of their own would cost as
    # much as all that they do.

    def send(self, message: Message) -> Awaitable[None]:
        """Be the application's `send`."""
        kind: str = message["type"]
        if self.late is not None or self.too_large is not None:
            if self.late is not None and self.late.answering is not None:
                return _nothing()  # the client has its answer
            if self.too_large is not None and kind == _START and message["status"] != 413:
                raise self.too_large  # whatever the application makes of it
        if kind in _BODIES:
            # What streams has no deadline, and what runs after a whole answer has none either.
            timers = self.timers
            if timers is not None:
                self.timers = None
                timers.drop(self)
            return self._server(message)
        return self.send_directly(message)

    def send_directly(self, message: Message) -> Awaitable[None]:
        """Send an event, its head with what is left of the limit."""
        kind: str = message["type"]
        if kind == _START or kind.endswith("response.start"):
            self.started = True
            if self.standing is not None:
                message = with_limits(message, self.standing)
        elif kind in _HANDSHAKES:
            self.started = True
        return self._server(message)

    def finish(self) -> None:
        """Take note that the request is over, where it has a deadline still or is late."""
        if self.timers is not None:
            self.timers.drop(self)
        if self.late is not None:
            self.late.finish()


async def _nothing() -> None:
    """Send nowhere."""
