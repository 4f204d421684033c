"""Every way of calling with retries: both libraries, three manners of waiting, our clients.

One `call` for all of them, so that a promise is written once and kept everywhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import anyio
import httpx
import httpx2
import pytest

import kaiko_httpx
from adapters.httpx.virtual_time import Clock, differences, run
from kaiko_httpx import RetryEvent, RetryPolicy, httpx0

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping

    from adapters.httpx.scripted import Scripted
    from adapters.httpx.virtual_time import Backend
    from kaiko_httpx import Reason

URL = "http://up.test/v2/things"


class Called(NamedTuple):
    """How a call went: what the caller got, what the upstream saw, what hooks were told."""

    response: Any
    error: Exception | None
    upstream: Scripted
    events: list[RetryEvent]

    @property
    def outcome(self) -> int | str:
        """The status that the caller got, or the name of the exception."""
        return self.response.status_code if self.error is None else type(self.error).__name__

    @property
    def attempts(self) -> int:
        """How often the upstream was asked."""
        return len(self.upstream.seen)

    @property
    def waits(self) -> list[float]:
        """The seconds between the attempts."""
        return differences([seen.at for seen in self.upstream.seen])

    @property
    def reasons(self) -> list[Reason]:
        """What the hooks were told."""
        return [event.reason for event in self.events]


class Way(NamedTuple):
    """One way of calling; `ours` is one of our clients, else a client with our transport."""

    library: Any
    manner: Literal["sync"] | Backend
    ours: bool = False

    def __str__(self) -> str:
        """Name it, for a test's id."""
        return f"{self.manner}-{'ours' if self.ours else self.library.__name__}"

    def client(self, upstream: Any, policy: RetryPolicy, **options: Any) -> Any:
        """Return a client whose requests go to `upstream`."""
        sync = self.manner == "sync"
        if self.ours:
            ours = kaiko_httpx.Client if sync else kaiko_httpx.AsyncClient
            return ours(transport=upstream, policy=policy, **options)
        of_library: Any = kaiko_httpx if self.library is httpx2 else httpx0
        if sync:
            transport = of_library.RetryTransport(upstream, policy)
            return self.library.Client(transport=transport, timeout=None, **options)
        transport = of_library.AsyncRetryTransport(upstream, policy)
        return self.library.AsyncClient(transport=transport, timeout=None, **options)

    def call(
        self,
        upstream: Scripted,
        method: str = "GET",
        *,
        policy: Mapping[str, Any] | None = None,
        raise_errors: bool = False,
        url: str = URL,
        **request: Any,
    ) -> Called:
        """Make one call, and tell how it went; only our clients raise typed errors."""
        events: list[RetryEvent] = []
        options = {"raise_errors": raise_errors} if self.ours else {}

        def client(clock: Callable[[], float]) -> Any:
            settings: dict[str, Any] = {"on_attempt": [events.append], "clock": clock}
            made = RetryPolicy(**{**settings, **(policy or {})})
            return self.client(upstream.within(self.library, clock), made, **options)

        try:
            response = self._request(client, method, url, request)
        except Exception as exc:  # noqa: BLE001 - the caller looks at it
            return Called(None, exc, upstream, events)
        return Called(response, None, upstream, events)

    def send_twice(self, upstream: Scripted, **request: Any) -> list[int | str]:
        """Send one request object twice, in two calls; tell what came of them."""
        options = {"raise_errors": False} if self.ours else {}
        outcomes: list[int | str] = []

        def client(clock: Callable[[], float]) -> Any:
            policy = RetryPolicy(clock=clock)
            return self.client(upstream.within(self.library, clock), policy, **options)

        if self.manner == "sync":
            with Clock().rules() as clock, client(clock) as sync:
                made = sync.build_request("POST", URL, **request)
                for _ in range(2):
                    try:
                        outcomes.append(sync.send(made).status_code)
                    except self.library.HTTPError as exc:
                        outcomes.append(type(exc).__name__)
            return outcomes

        async def main() -> None:
            async with client(anyio.current_time) as asynchronous:
                made = asynchronous.build_request("POST", URL, **request)
                for _ in range(2):
                    try:
                        outcomes.append((await asynchronous.send(made)).status_code)
                    except self.library.HTTPError as exc:
                        outcomes.append(type(exc).__name__)

        run(self.manner, main)
        return outcomes

    def _request(
        self, client: Callable[[Callable[[], float]], Any], *call: Any
    ) -> httpx2.Response | httpx.Response:
        method, url, request = call
        if self.manner == "sync":
            with Clock().rules() as clock, client(clock) as sync:
                response: httpx2.Response = sync.request(method, url, **request)
                return response

        async def main() -> httpx2.Response:
            async with client(anyio.current_time) as asynchronous:
                response: httpx2.Response = await asynchronous.request(method, url, **request)
                return response

        return run(self.manner, main)

    def stream_of(self, *parts: bytes) -> Iterable[bytes] | AsyncIterator[bytes]:
        """Return a body that can be sent once only."""
        return _once(parts) if self.manner == "sync" else _once_async(parts)


def _once(parts: Iterable[bytes]) -> Iterator[bytes]:
    yield from parts


async def _once_async(parts: Iterable[bytes]) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


_MANNERS: tuple[Literal["sync", "asyncio", "trio"], ...] = ("sync", "asyncio", "trio")
OURS = [Way(httpx2, manner, ours=True) for manner in _MANNERS]
WAYS = [Way(library, manner) for library in (httpx2, httpx) for manner in _MANNERS] + OURS
PLAIN = WAYS[0]

every_way = pytest.mark.parametrize("way", WAYS, ids=str)
our_clients = pytest.mark.parametrize("way", OURS, ids=str)
