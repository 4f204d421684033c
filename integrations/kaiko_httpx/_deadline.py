"""A deadline for a whole call; timeouts are for single operations.

A server that sends a byte a second never exceeds the timeout of a read. So the connections of a
transport ask here how long they may wait, each time they wait for the network. This is exact for
synchronous calls, which cannot be cancelled, and cheaper than a cancel scope for asynchronous
ones.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from kaiko_middleware.deadline import deadline

if TYPE_CHECKING:
    from kaiko_httpx._policy import RetryPolicy

_SHORTEST = 0.001


class Deadline:
    """When a call that begins now must be over.

    That is no later than the request that this process serves, where it has a deadline.

    Arguments:
        policy: gives the time limit and the clock.

    """

    __slots__ = ("_at", "_clock")

    def __init__(self, policy: RetryPolicy) -> None:
        self._clock = clock = policy.clock
        left = deadline()
        seconds = policy.deadline if left is None else min(policy.deadline, left)
        self._at = clock() + seconds

    @property
    def left(self) -> float:
        """The seconds until the deadline; a little where it is past, so that a wait ends."""
        return max(self._at - self._clock(), _SHORTEST)

    def shortened(self, timeout: float | None) -> float:
        """Return the seconds until the deadline, or `timeout` if that is less."""
        left = self.left
        return left if timeout is None or left < timeout else timeout

    def allows(self, wait: float) -> bool:
        """Whether there is time left after a wait of so many seconds."""
        return self._clock() + wait < self._at

    @property
    def is_past(self) -> bool:
        """Whether the call is late."""
        return not self.allows(0.0)


current: ContextVar[Deadline | None] = ContextVar("kaiko_httpx_deadline", default=None)
"""The deadline of the call that this thread or task is making, or None."""


def _left(timeout: float | None) -> float | None:
    call = current.get()
    return timeout if call is None else call.shortened(timeout)


def watch_connections(transport: Any, watched: type[Watched]) -> bool:
    """Make the connections of an httpx2 or httpx transport obey `current`.

    These libraries have no option for how their transport reaches the network, so its pool is
    found by name. Returns whether there is one; if not, the caller must limit the time.
    """
    pool: Any = getattr(transport, "_pool", None)
    found: object = getattr(pool, "_network_backend", None)
    if found is None:
        return False
    if not isinstance(found, watched):
        vars(pool)["_network_backend"] = watched(found)
    return True


class Watched:
    """A network backend of httpcore, or a stream that it connected, which obeys the deadline.

    Arguments:
        own: httpcore's backend or stream.

    """

    __slots__ = ("_own",)

    def __init__(self, own: Any) -> None:
        self._own = own

    def __getattr__(self, name: str) -> Any:
        """Return what waits for no network: `close`, `get_extra_info`, `sleep`."""
        return getattr(self._own, name)

    def _watch(self, connected: Any) -> Any:
        return Watched(connected)

    def connect_tcp(self, *address: Any, timeout: float | None = None, **options: Any) -> Any:
        """Connect to a host."""
        connected = self._own.connect_tcp(*address, timeout=_left(timeout), **options)
        return self._watch(connected)

    def connect_unix_socket(
        self, *address: Any, timeout: float | None = None, **options: Any
    ) -> Any:
        """Connect to a socket in the file system."""
        connected = self._own.connect_unix_socket(*address, timeout=_left(timeout), **options)
        return self._watch(connected)

    def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> Any:
        """Start encryption."""
        return self._watch(self._own.start_tls(ssl_context, server_hostname, _left(timeout)))

    # A coroutine around an asynchronous stream's own awaitable would cost a microsecond.
    def read(self, max_bytes: int, timeout: float | None = None) -> Any:
        """Read received bytes."""
        return self._own.read(max_bytes, _left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> Any:
        """Send bytes."""
        return self._own.write(buffer, _left(timeout))


class AsyncWatched(Watched):
    """The same for asynchronous connections; see `Watched`."""

    __slots__ = ()

    async def _watch(self, connected: Any) -> Any:
        return AsyncWatched(await connected)
