"""What the middleware keeps: per request in flight, over a long stream, and when imported."""

from __future__ import annotations

import subprocess
import sys
import tracemalloc
from contextvars import copy_context
from types import coroutine
from typing import TYPE_CHECKING

from bench.asgi import PassThrough, drop, receive_nothing, scope_for
from bench.figure import Figure, Goal
from bench.measure import interleave, spread
from kaiko_asgi import KaikoMiddleware

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator

    from bench.measure import Effort, Run
    from kaiko_asgi import ASGIApp, Message, Receive, Scope, Send

_CHUNK = 64 * 1024
_GIB = 1024**3
_TIME = {"application/octet-stream": 1.02, "text/event-stream": 1.1}
_IMPORT = (
    "import json, logging, sys, time; start = time.process_time(); import kaiko_middleware; "
    "print(time.process_time() - start, 'pydantic' in sys.modules)"
)


@coroutine
def _pause() -> Generator[None, None, None]:
    yield


async def _waiting(_scope: Scope, _receive: Receive, _send: Send) -> None:
    await _pause()


def memory(requests: int) -> Figure:
    """Return the bytes that a request in flight holds over a pass-through's."""
    per_request = {
        "pass": _held(PassThrough(_waiting), requests),
        "ours": _held(KaikoMiddleware(_waiting), requests),
    }
    return Figure(
        key="memory_in_flight",
        title="memory per request in flight, over a pass-through",
        goal=Goal(limit=500, unit="B", peer="991 B"),
        measured=spread([per_request["ours"] - per_request["pass"]]),
        sides=per_request,
    )


def _held(app: ASGIApp, requests: int) -> float:
    """Return the bytes a request, each in a context of its own as in a server's task."""
    scopes: list[Scope] = [{**scope_for("/v2/status"), "state": {}} for _ in range(requests)]
    contexts = [copy_context() for _ in range(requests)]
    flights: list[Coroutine[object, None, None]] = [_call(app, scope) for scope in scopes[:256]]
    for context, flight in zip(contexts, flights, strict=False):
        context.run(flight.send, None)  # fills pools and free lists
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        late = [_call(app, scope) for scope in scopes[256:]]
        for context, flight in zip(contexts[256:], late, strict=True):
            context.run(flight.send, None)
        held = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    for context, flight in zip(contexts, [*flights, *late], strict=True):
        context.run(flight.close)
    return held / (requests - 256)


async def _call(app: ASGIApp, scope: Scope) -> None:
    await app(scope, receive_nothing, drop)


class _Stream:
    """An application that sends a long body, and a server that copies it into its buffer."""

    def __init__(self, chunks: int, kind: bytes) -> None:
        self.kept = 0
        self._chunks = chunks
        self._head = [(b"content-type", kind)]
        self._source = memoryview(bytes(2 * _CHUNK))
        self._buffer = bytearray(_CHUNK)

    async def app(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """Send the stream; take note of what is kept from its 16th chunk to its last."""
        await send({"type": "http.response.start", "status": 200, "headers": self._head})
        for number in range(self._chunks):
            if number == 16:
                self.kept = -tracemalloc.get_traced_memory()[0]
            chunk = self._source[number : number + _CHUNK].tobytes()
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        self.kept += tracemalloc.get_traced_memory()[0]
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def send(self, message: Message) -> None:
        """Take an event as a server does that writes it to a socket."""
        body: bytes = message.get("body", b"")
        self._buffer[: len(body)] = body

    def through(self, wrap: Callable[[ASGIApp], ASGIApp]) -> Run:
        """Return what sends the stream through a middleware."""
        app = wrap(self.app)

        def run(times: int) -> None:
            for _ in range(times):
                call = app({**scope_for("/v2/stream"), "state": {}}, receive_nothing, self.send)
                try:
                    call.__await__().send(None)
                except StopIteration:
                    pass

        return run


def _bare(app: ASGIApp) -> ASGIApp:
    return app


def stream_time(effort: Effort, *, size: int, kind: str) -> Figure:
    """Return the time that a stream takes, over the application's alone."""
    stream = _Stream(size // _CHUNK, kind.encode("ascii"))
    sides = {"bare": stream.through(_bare), "ours": stream.through(KaikoMiddleware)}
    times = interleave(sides, effort)
    return Figure(
        key=f"stream_time_{kind.partition('/')[2].replace('-', '_')}",
        title=f"{size / _GIB:g} GiB stream of {kind}, time",
        goal=Goal(limit=_TIME[kind], unit="× bare", peer="22 ×"),
        measured=spread(ours / bare for bare, ours in zip(*times.values(), strict=True)),
        sides={name: spread(values).median * 1e6 for name, values in times.items()},
    )


def stream_kept(size: int) -> Figure:
    """Return what is kept of a stream while it goes through."""
    kept: dict[str, float] = {}
    for name, wrap in (("bare", _bare), ("ours", KaikoMiddleware)):
        stream = _Stream(size // _CHUNK, b"application/octet-stream")
        tracemalloc.start()
        try:
            stream.through(wrap)(1)
        finally:
            tracemalloc.stop()
        kept[name] = stream.kept
    return Figure(
        key="stream_kept",
        title=f"{size / _GIB:g} GiB stream, kept of it",
        goal=Goal(limit=0, unit="B", peer="0 B"),
        measured=spread([kept["ours"] - kept["bare"]]),
        sides=kept,
    )


def importing(rounds: int) -> Figure:
    """Return what `import kaiko_middleware` takes where json and logging are imported."""
    found: list[float] = []
    heavy = False
    for _ in range(rounds):
        tries = [
            subprocess.run(
                [sys.executable, "-P", "-c", _IMPORT], capture_output=True, text=True, check=True
            ).stdout.split()
            for _ in range(3)
        ]
        found.append(min(float(seconds) for seconds, _ in tries) * 1000)
        heavy = heavy or any(loaded == "True" for _, loaded in tries)
    return Figure(
        key="import",
        title="import kaiko_middleware, over json and logging",
        goal=Goal(limit=20, unit="ms", peer="70 ms"),
        measured=spread(found),
        note="pydantic was imported, too: it should wait for its first use" if heavy else "",
    )
