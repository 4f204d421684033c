"""An upstream that answers by a script, as a transport of httpx2 or httpx, sync and async.

It notes what arrives when, and of each body that it hands out when it was closed.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, NamedTuple

import anyio.lowlevel
import httpx
import httpx2

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

Part = bytes | str | float | BaseException
"""A part of a body, the seconds until the next one, or what is raised instead of it: an
exception, or the library's of that name.
"""
Headers = tuple[tuple[str, str], ...]


class Answer(NamedTuple):
    """What the upstream answers."""

    status: int = 200
    body: tuple[Part, ...] = (b"{}",)
    headers: Headers = ()
    after: float = 0.0


Step = Answer | int | str | Exception
"""An answer, or only its status, or an exception, or only the name of the library's."""


class Seen(NamedTuple):
    """A request that arrived."""

    at: float
    method: str
    url: str
    headers: dict[str, str]
    body: bytes
    timeout: dict[str, float | None]


class Body:
    """A body on its way, in both of a library's manners."""

    def __init__(self, parts: tuple[Part, ...], library: Any, clock: Callable[[], float]) -> None:
        self._parts = parts
        self._library = library
        self._clock = clock
        self.handed_out: list[bytes] = []
        self.closed_at: list[float] = []

    def _take(self, part: Part) -> bytes:
        if isinstance(part, bytes):
            self.handed_out.append(part)
            return part
        raise part if isinstance(part, BaseException) else _failure(self._library, str(part))

    def __iter__(self) -> Iterator[bytes]:
        """Hand it out."""
        for part in self._parts:
            if isinstance(part, float):
                time.sleep(part)
            else:
                yield self._take(part)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Hand it out."""
        for part in self._parts:
            await anyio.lowlevel.checkpoint()
            if isinstance(part, float):
                await anyio.sleep(part)
            else:
                yield self._take(part)

    def close(self) -> None:
        """Note that it is closed."""
        self.closed_at.append(self._clock())

    async def aclose(self) -> None:
        """Note that it is closed."""
        self.close()


class _Body2(Body, httpx2.SyncByteStream, httpx2.AsyncByteStream):
    pass


class _Body0(Body, httpx.SyncByteStream, httpx.AsyncByteStream):
    pass


class Scripted:
    """The upstream; its last step goes on for ever.

    Arguments:
        script: what it does with each request.

    """

    def __init__(self, *script: Step) -> None:
        self._script = list(script)
        self._library: Any = httpx2
        self._clock: Callable[[], float] = lambda: 0.0
        self.seen: list[Seen] = []
        self.bodies: list[Body] = []
        self.timeouts: list[dict[str, float | None]] = []
        """What the library's own transport would keep, and read again for the body."""
        self.closed = 0

    def within(self, library: Any, clock: Callable[[], float]) -> Any:
        """Return itself as a transport of a library."""
        self._library = library
        self._clock = clock
        return self

    def handle_request(self, request: Any) -> Any:
        """Answer."""
        answer = self._next(request, b"".join(request.stream))
        time.sleep(answer.after)
        return self._response(answer)

    async def handle_async_request(self, request: Any) -> Any:
        """Answer."""
        await anyio.lowlevel.checkpoint()
        answer = self._next(request, b"".join([part async for part in request.stream]))
        await anyio.sleep(answer.after)
        return self._response(answer)

    def close(self) -> None:
        """Note that it is closed."""
        self.closed += 1

    async def aclose(self) -> None:
        """Note that it is closed."""
        self.closed += 1

    def _next(self, request: Any, content: bytes) -> Answer:
        timeout = request.extensions.get("timeout", {})
        self.timeouts.append(timeout)
        headers = dict(request.headers)
        url = str(request.url)
        self.seen.append(Seen(self._clock(), request.method, url, headers, content, {**timeout}))
        step = self._script.pop(0) if len(self._script) > 1 else self._script[0]
        if isinstance(step, str):
            raise _failure(self._library, step)
        if isinstance(step, Exception):
            raise step
        return Answer(step) if isinstance(step, int) else step

    def _response(self, answer: Answer) -> Any:
        made: Any = _Body0 if self._library is httpx else _Body2
        stream = made(answer.body, self._library, self._clock)
        self.bodies.append(stream)
        return self._library.Response(answer.status, headers=[*answer.headers], stream=stream)


def _failure(library: Any, name: str) -> Exception:
    failure: Exception = getattr(library, name)(f"a made-up {name}")
    return failure
