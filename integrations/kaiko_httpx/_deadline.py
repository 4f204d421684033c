"""A deadline for a whole synchronous call, where timeouts are for single operations.

A server that sends a byte a second keeps every read in time for ever. Asynchronous calls
are cancelled from outside; a synchronous one can only be told, each time it waits for the
network, how long it may. So the connections of a transport ask here before they wait.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kaiko_httpx._policy import Call

_SHORTEST = 0.001

current: ContextVar[Call | None] = ContextVar("kaiko_httpx_call", default=None)
"""The call that this thread waits for, if it has a deadline."""


def _left(timeout: float | None) -> float | None:
    call = current.get()
    remaining = None if call is None else call.remaining
    if remaining is None:
        return timeout
    remaining = max(remaining, _SHORTEST)
    return remaining if timeout is None else min(timeout, remaining)


def watch_connections(transport: Any) -> None:
    """Have the connections of an httpx2 or httpx transport keep to `current`.

    These libraries let nobody choose how their own transport reaches the network, so its
    pool is asked for by name; one that has none is left as it is, and the deadline is then
    looked at between the parts of a body only.
    """
    pool: Any = getattr(transport, "_pool", None)
    backend: object = getattr(pool, "_network_backend", None)
    if backend is not None and not isinstance(backend, Backend):
        vars(pool)["_network_backend"] = Backend(backend)


class Backend:
    """A network backend of httpcore whose streams keep to the deadline.

    Arguments:
        backend: the one that connects.

    """

    def __init__(self, backend: Any) -> None:
        self._backend = backend

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

    def sleep(self, seconds: float) -> None:
        """Wait."""
        self._backend.sleep(seconds)


class Stream:
    """A network stream of httpcore that waits no longer than the call may.

    Arguments:
        stream: the one that is connected.

    """

    __slots__ = ("_stream", "close", "get_extra_info")

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self.close: Callable[[], None] = stream.close
        self.get_extra_info: Callable[[str], Any] = stream.get_extra_info

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read what has come."""
        data: bytes = self._stream.read(max_bytes, _left(timeout))
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send."""
        self._stream.write(buffer, _left(timeout))

    def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> Stream:
        """Go on encrypted."""
        return Stream(self._stream.start_tls(ssl_context, server_hostname, _left(timeout)))


class Bounded:
    """Mixed with a library's stream class: a body that is read within the call's time.

    Arguments:
        stream: the body.
        call: what it belongs to.
        too_late: makes the library's own exception for a read that took too long.

    """

    def __init__(self, stream: Any, call: Call, too_late: Callable[[], Exception]) -> None:
        self._stream = stream
        self._call = call
        self._too_late = too_late

    def __iter__(self) -> Iterator[bytes]:
        """Yield the body."""
        parts = iter(self._stream)
        while True:
            token = current.set(self._call)
            try:
                part = next(parts, None)
            finally:
                current.reset(token)
            if part is None:
                return
            remaining = self._call.remaining
            if remaining is not None and remaining <= 0:
                self.close()
                raise self._too_late()
            yield part

    def close(self) -> None:
        """Close the stream."""
        self._stream.close()
