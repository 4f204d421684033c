"""A deadline for a whole call; timeouts are for single operations.

A server that sends a byte a second never exceeds the timeout of a read. So the connections of a
transport ask here how long they may wait, each time they wait for the network. This is exact for
synchronous calls, which cannot be cancelled, and cheaper than a cancel scope for asynchronous
ones.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from kaiko_httpx._policy import RetryPolicy

_SHORTEST = 0.001


class Deadline:
    """When a call that begins now must be over.

    Arguments:
        policy: gives the time limit and the clock.

    """

    __slots__ = ("_at", "_clock")

    def __init__(self, policy: RetryPolicy) -> None:
        self._clock = clock = policy.clock
        self._at = clock() + policy.deadline

    def shortened(self, timeout: float | None) -> float:
        """Return the seconds until the deadline, or `timeout` if that is less."""
        left = self._at - self._clock()
        left = max(left, _SHORTEST)
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
    deadline = current.get()
    return timeout if deadline is None else deadline.shortened(timeout)


def watch_connections(transport: Any, backend: type[Backend | AsyncBackend]) -> bool:
    """Make the connections of an httpx2 or httpx transport obey `current`.

    These libraries have no option for how their transport reaches the network, so its pool is
    found by name. Returns whether there is one; if not, the caller must limit the time.
    """
    pool: Any = getattr(transport, "_pool", None)
    found: object = getattr(pool, "_network_backend", None)
    if found is None:
        return False
    if not isinstance(found, backend):
        vars(pool)["_network_backend"] = backend(found)
    return True


class Backend:
    """A network backend of httpcore whose streams obey the deadline.

    Arguments:
        backend: the backend that connects.

    """

    def __init__(self, backend: Any) -> None:
        self._backend = backend
        self.sleep: Any = backend.sleep

    def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, **options: Any
    ) -> Stream:
        """Connect to a host."""
        connected = self._backend.connect_tcp(host, port, timeout=_left(timeout), **options)
        return Stream(connected)

    def connect_unix_socket(
        self, path: str, timeout: float | None = None, **options: Any
    ) -> Stream:
        """Connect to a socket in the file system."""
        connected = self._backend.connect_unix_socket(path, timeout=_left(timeout), **options)
        return Stream(connected)


class Stream:
    """A network stream of httpcore that obeys the deadline.

    Arguments:
        stream: the connected stream.

    """

    __slots__ = ("_stream", "close", "get_extra_info")

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self.close: Callable[[], None] = stream.close
        self.get_extra_info: Callable[[str], Any] = stream.get_extra_info

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read received bytes."""
        data: bytes = self._stream.read(max_bytes, _left(timeout))
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send bytes."""
        self._stream.write(buffer, _left(timeout))

    def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> Stream:
        """Start encryption."""
        return Stream(self._stream.start_tls(ssl_context, server_hostname, _left(timeout)))


class AsyncBackend:
    """The same for asynchronous connections; see `Backend`."""

    def __init__(self, backend: Any) -> None:
        self._backend = backend
        self.sleep: Any = backend.sleep

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        **options: Any,
    ) -> AsyncStream:
        """Connect to a host."""
        connected = self._backend.connect_tcp(host, port, timeout=_left(timeout), **options)
        return AsyncStream(await connected)

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        **options: Any,
    ) -> AsyncStream:
        """Connect to a socket in the file system."""
        connected = self._backend.connect_unix_socket(path, timeout=_left(timeout), **options)
        return AsyncStream(await connected)


class AsyncStream:
    """The same for an asynchronous stream; see `Stream`."""

    __slots__ = ("_stream", "aclose", "get_extra_info")

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self.aclose: Any = stream.aclose
        self.get_extra_info: Callable[[str], Any] = stream.get_extra_info

    # Both return the stream's own awaitable: a coroutine around it would cost a microsecond.
    def read(self, max_bytes: int, timeout: float | None = None) -> Awaitable[bytes]:
        """Read received bytes."""
        coming: Awaitable[bytes] = self._stream.read(max_bytes, _left(timeout))
        return coming

    def write(self, buffer: bytes, timeout: float | None = None) -> Awaitable[None]:
        """Send bytes."""
        going: Awaitable[None] = self._stream.write(buffer, _left(timeout))
        return going

    async def start_tls(
        self,
        ssl_context: Any,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
    ) -> AsyncStream:
        """Start encryption."""
        encrypted = self._stream.start_tls(ssl_context, server_hostname, _left(timeout))
        return AsyncStream(await encrypted)
