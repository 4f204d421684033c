"""Calling another service: what a retrying transport adds, and what an error answer takes.

The server is a process of its own. Both clients keep a connection to it and ask it in turns.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack, ExitStack, contextmanager
from time import perf_counter
from typing import TYPE_CHECKING, NamedTuple

from bench.figure import Figure, Goal
from bench.measure import interleave, spread
from bench.serving import server
from kaiko_middleware.upstream import Upstream

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from contextlib import AbstractContextManager

    from bench.measure import Effort, Run

    Sides = dict[str, Run]

_PATH = "/v2/success"


@contextmanager
def _sync(url: str) -> Generator[Sides]:
    import httpx2  # noqa: PLC0415 - slow under valgrind

    from kaiko_httpx import RetryTransport  # noqa: PLC0415 - likewise

    def asking(client: httpx2.Client) -> Run:
        def run(times: int) -> None:
            for _ in range(times):
                client.get(url).raise_for_status()

        return run

    plain = httpx2.HTTPTransport(trust_env=False)
    retrying = RetryTransport(httpx2.HTTPTransport(trust_env=False))
    with ExitStack() as stack:
        yield {
            name: asking(stack.enter_context(httpx2.Client(transport=transport, trust_env=False)))
            for name, transport in (("bare", plain), ("ours", retrying))
        }


@contextmanager
def _async(url: str) -> Generator[Sides]:
    import httpx2  # noqa: PLC0415 - slow under valgrind

    from kaiko_httpx import AsyncRetryTransport  # noqa: PLC0415 - likewise

    async def ask(client: httpx2.AsyncClient, times: int) -> None:
        for _ in range(times):
            (await client.get(url)).raise_for_status()

    def asking(runner: asyncio.Runner, client: httpx2.AsyncClient) -> Run:
        def run(times: int) -> None:
            runner.run(ask(client, times))

        return run

    plain = httpx2.AsyncHTTPTransport(trust_env=False)
    retrying = AsyncRetryTransport(httpx2.AsyncHTTPTransport(trust_env=False))
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        clients = {
            name: httpx2.AsyncClient(transport=transport, trust_env=False)
            for name, transport in (("bare", plain), ("ours", retrying))
        }
        for client in clients.values():
            runner.run(stack.enter_async_context(client))
        try:
            yield {name: asking(runner, client) for name, client in clients.items()}
        finally:
            runner.run(stack.aclose())


class CallCase(NamedTuple):
    """A client's successful call, through httpx2's transport and through ours over it."""

    key: str
    title: str
    sides: Callable[[str], AbstractContextManager[Sides]]


CALLS = (
    CallCase("call_sync", "client, a successful call", _sync),
    CallCase("call_async", "asynchronous client, a successful call", _async),
)


def ratio(case: CallCase, effort: Effort, command: Sequence[str]) -> Figure:
    """Return what a call takes from its begin to its end, the server's part included."""
    times = _times(case, effort, command, perf_counter)
    return Figure(
        key=case.key,
        title=case.title,
        goal=Goal(limit=1.02, unit="× bare"),
        measured=spread(ours / bare for bare, ours in zip(*times.values(), strict=True)),
        sides={name: spread(values).median * 1e6 for name, values in times.items()},
    )


def added(case: CallCase, effort: Effort, command: Sequence[str]) -> Figure:
    """Return the client's own time that our transport adds to a call."""
    times = _times(case, effort, command)
    return Figure(
        key=f"{case.key}_added",
        title="… processor time added",
        goal=Goal(limit=25, unit="µs", peer="50-66 µs"),
        measured=spread((ours - bare) * 1e6 for bare, ours in zip(*times.values(), strict=True)),
        sides={name: spread(values).median * 1e6 for name, values in times.items()},
    )


def _times(
    case: CallCase, effort: Effort, command: Sequence[str], *clock: Callable[[], float]
) -> dict[str, list[float]]:
    with (
        server([*command, "starlette"]) as (port, _),
        case.sides(f"http://127.0.0.1:{port}{_PATH}") as sides,
    ):
        return interleave(sides, effort, *clock)


_PROSE = "Rate limit reached for a model in an organization, so try again later. " * 13
_ERRORS: dict[str, tuple[int, bytes]] = {
    "openai": (
        429,
        json.dumps(
            {"error": {"message": _PROSE, "type": "tokens", "code": "rate_limit_exceeded"}}
        ).encode(),
    ),
    "google": (
        400,
        json.dumps(
            {
                "error": {
                    "code": 400,
                    "message": _PROSE[:830],
                    "status": "INVALID_ARGUMENT",
                    "details": [
                        {
                            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                            "reason": "API_KEY_EXPIRED",
                            "domain": "googleapis.com",
                        }
                    ],
                }
            }
        ).encode(),
    ),
    "gateway": (502, b"<html><head><title>502</title></head>" + b"<hr>nginx\r\n" * 90),
}
_HEADERS = {
    "content-type": "application/json",
    "date": "Thu, 26 Nov 2026 12:00:00 GMT",
    "retry-after": "7",
    "server": "upstream",
    "x-ratelimit-remaining": "0",
    "x-request-id": "req_0123456789",
}


def classifying(effort: Effort) -> Figure:
    """Return what it takes to know whose fault an error answer of 1 KB is, and to say so."""
    upstream = Upstream("upstream", trust="llm")

    def judging(status: int, body: bytes) -> Run:
        def run(times: int) -> None:
            for _ in range(times):
                upstream.error_from_response(status, _HEADERS, body)

        return run

    times = interleave({name: judging(*said) for name, said in _ERRORS.items()}, effort)
    return Figure(
        key="upstream_classify",
        title="upstream's error answer of 1 KB classified",
        goal=Goal(limit=50, unit="µs"),
        measured=spread(max(row) * 1e6 for row in zip(*times.values(), strict=True)),
        sides={name: spread(values).median * 1e6 for name, values in times.items()},
    )
