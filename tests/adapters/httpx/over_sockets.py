"""Calling a real server over loopback in every way, with nothing left open."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread
import trio

from adapters.httpx.faulty import CERTIFICATE
from adapters.httpx.virtual_time import Clock
from kaiko_httpx import RetryEvent, RetryPolicy

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from adapters.httpx.ways import Way
    from kaiko_httpx import Reason

NOBODY = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Trusts nobody; it costs nothing to make."""
TRUSTING = ssl.create_default_context(cafile=CERTIFICATE)
"""Trusts the test's own server."""


class Over:
    """Calls in one way, and how they went.

    The clock stands still but for the waits of synchronous calls, and where a server's
    behaviour moves it; an asynchronous call does not wait between its attempts.

    Arguments:
        way: the way of calling.
        cancelled_after: an asynchronous call is cancelled when this returns, in a thread.
        transport: options of the library's own transport.

    """

    def __init__(
        self, way: Way, *, cancelled_after: Callable[[], object] | None = None, **transport: Any
    ) -> None:
        self._way = way
        self._cancelled_after = cancelled_after
        self._transport: dict[str, Any] = {"verify": NOBODY, "trust_env": False, **transport}
        self.clock = Clock()
        self.events: list[RetryEvent] = []
        self.outcomes: list[int | str] = []
        self.error: Exception | None = None
        self.open = 0
        """Connections that a failed call still held."""

    @property
    def reasons(self) -> list[Reason]:
        """What the hooks were told."""
        return [event.reason for event in self.events]

    @property
    def failures(self) -> list[str]:
        """The names of the exceptions that attempts failed with."""
        said = [event.error.upstream for event in self.events]
        return [details.excerpt.partition(":")[0] for details in said if details is not None]

    def call(
        self,
        url: str,
        *methods: str,
        raise_errors: bool = False,
        stream: bool = False,
        **request: Any,
    ) -> Over:
        """Make calls on one client, one after the other, and read what is answered."""
        cls = "HTTPTransport" if self._way.manner == "sync" else "AsyncHTTPTransport"
        sending = getattr(self._way.library, cls)(**self._transport)
        policy = RetryPolicy(
            clock=self.clock, on_attempt=[self.events.append], wait_initial=0, wait_jitter=0
        )
        options = {"raise_errors": raise_errors} if self._way.ours else {}

        def made() -> Any:
            return self._way.client(sending, policy, **options)

        if self._way.manner == "sync":
            with self.clock.rules(), made() as client:
                for method in methods:
                    try:
                        request_made = client.build_request(method, url, **request)
                        response = client.send(request_made, stream=stream)
                        response.read()
                        self.outcomes.append(response.status_code)
                    except Exception as exc:  # noqa: BLE001 - the test looks at it
                        self._fail(exc)
                    self._count(sending)
            return self

        async def main() -> None:
            async with made() as client:
                for method in methods:
                    try:
                        async with self._perhaps_cancelled():
                            request_made = client.build_request(method, url, **request)
                            response = await client.send(request_made, stream=stream)
                            await response.aread()
                            self.outcomes.append(response.status_code)
                    except Exception as exc:  # noqa: BLE001 - the test looks at it
                        self._fail(exc)
                    self._count(sending)

        asyncio.run(main()) if self._way.manner == "asyncio" else trio.run(main)
        return self

    @asynccontextmanager
    async def _perhaps_cancelled(self) -> AsyncGenerator[None]:
        cancelled_after = self._cancelled_after
        if cancelled_after is None:
            yield
            return

        async def cancel() -> None:
            await anyio.to_thread.run_sync(cancelled_after)
            group.cancel_scope.cancel()

        async with anyio.create_task_group() as group:
            group.start_soon(cancel)
            yield
        self.outcomes.append("cancelled")

    def _fail(self, exc: Exception) -> None:
        self.error = exc
        self.outcomes.append(type(exc).__name__)

    def _count(self, sending: Any) -> None:
        self.open += sum(not connection.is_idle() for connection in sending._pool.connections)
