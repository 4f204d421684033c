"""A call that is cancelled, or interrupted, stops at once and leaves nothing open."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any
from unittest import mock

import anyio
import pytest

from adapters.httpx.scripted import Answer, Scripted
from adapters.httpx.virtual_time import Clock, run
from adapters.httpx.ways import URL, WAYS, Way
from kaiko_httpx import RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Callable

async_ways = pytest.mark.parametrize("way", [way for way in WAYS if way.manner != "sync"], ids=str)
sync_ways = pytest.mark.parametrize("way", [way for way in WAYS if way.manner == "sync"], ids=str)

_AFTER = 15.25  # when the calls are cancelled, in seconds
_LONG = 20.0  # within the deadline, so that it is not what ends the call
_WAITING: dict[str, tuple[Answer | int, ...]] = {
    "between attempts": (Answer(503, (b"x",), (("retry-after", "20"),)),),
    "for an answer": (Answer(200, after=_LONG),),
    "for a second answer": (503, Answer(200, after=_LONG)),
    "for the rest of an error": (Answer(503, (b"x", _LONG)),),
    "for the rest of an answer": (Answer(200, (b"x", _LONG)),),
}
waiting = pytest.mark.parametrize("script", _WAITING.values(), ids=list(_WAITING))


def client_of(way: Way, upstream: Scripted, clock: Callable[[], float]) -> Any:
    """Return a client."""
    return way.client(upstream.within(way.library, clock), RetryPolicy(clock=clock))


@async_ways
@waiting
def test_a_scope_that_is_cancelled_ends_the_call_at_once(
    way: Way, script: tuple[Answer | int, ...]
) -> None:
    """Wherever it is; nothing more is asked, and every body is closed."""
    upstream = Scripted(*script)

    async def main() -> float:
        start = anyio.current_time()
        async with client_of(way, upstream, anyio.current_time) as client:
            with anyio.move_on_after(_AFTER) as scope:
                await client.get(URL)
            assert scope.cancelled_caught
            return anyio.current_time() - start

    assert way.manner != "sync"
    assert run(way.manner, main) == pytest.approx(_AFTER)
    assert len(upstream.seen) == len(script)
    assert all(body.closed_at for body in upstream.bodies)


@pytest.mark.parametrize("way", [way for way in WAYS if way.manner == "asyncio"], ids=str)
@waiting
def test_a_task_that_is_cancelled_ends_the_call_at_once(
    way: Way, script: tuple[Answer | int, ...]
) -> None:
    """As a server does when its client has gone."""
    upstream = Scripted(*script)

    async def main() -> float:
        start = anyio.current_time()
        async with client_of(way, upstream, anyio.current_time) as client:
            task = asyncio.ensure_future(client.get(URL))
            await asyncio.sleep(_AFTER)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            return anyio.current_time() - start

    assert run("asyncio", main) == pytest.approx(_AFTER)
    assert len(upstream.seen) == len(script)
    assert all(body.closed_at for body in upstream.bodies)


@sync_ways
def test_a_wait_that_is_interrupted_ends_the_call_at_once(way: Way) -> None:
    """Ctrl-C is no failure of the upstream."""
    upstream = Scripted(503, 200)
    with (
        client_of(way, upstream, Clock()) as client,
        mock.patch.object(time, "sleep", side_effect=[None, KeyboardInterrupt]),
        pytest.raises(KeyboardInterrupt),
    ):
        client.get(URL)
    assert len(upstream.seen) == 1
    assert upstream.bodies[0].closed_at


@sync_ways
@pytest.mark.parametrize("status", [200, 503])
def test_a_body_whose_reading_is_interrupted_is_closed(way: Way, status: int) -> None:
    """A success's as well as an error's that is looked into."""
    upstream = Scripted(Answer(status, (b"x", KeyboardInterrupt())), 200)
    with (
        Clock().rules() as clock,
        client_of(way, upstream, clock) as client,
        pytest.raises(KeyboardInterrupt),
    ):
        client.get(URL)
    assert len(upstream.seen) == 1
    assert upstream.bodies[0].closed_at
