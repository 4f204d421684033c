"""One timer for all requests that may take equally long."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from adapters.asgi.apps import answers
from adapters.asgi.server import Answer, call, http_scope
from adapters.httpx.virtual_time import run
from guards.test_asgi import alone, waits
from kaiko_guards import Deadline
from kaiko_guards._timers import OwnTimer, Timers, TimersByLength

if TYPE_CHECKING:
    from collections.abc import Callable


class _Late:
    """Takes note of when it is late."""

    def __init__(self) -> None:
        self.at: list[float] = []

    def expire(self) -> None:
        self.at.append(asyncio.get_running_loop().time())


def test_each_is_told_at_its_own_time() -> None:
    """And what was dropped never is."""

    async def main() -> list[list[float]]:
        loop = asyncio.get_running_loop()
        began = loop.time()
        another = time.monotonic()  # this loop has a clock of its own
        timers = Timers(loop, 10)
        first, second, third = _Late(), _Late(), _Late()
        timers.add(first, another)
        await asyncio.sleep(1)
        timers.add(second, another)
        await asyncio.sleep(1)
        timers.add(third, another)
        timers.drop(second)
        timers.drop(second)
        await asyncio.sleep(20)
        timers.add(second, another)
        await asyncio.sleep(20)
        return [[round(at - began) for at in each.at] for each in (first, second, third)]

    assert run("asyncio", main) == [[10], [32], [12]]


def test_there_is_one_timer_however_many_requests_there_are() -> None:
    """A request that ends in time leaves nothing behind."""
    app = alone(answers(), [Deadline(30)])
    calls: list[object] = []

    async def main() -> list[Answer]:
        loop: Any = asyncio.get_running_loop()
        at: Callable[..., asyncio.TimerHandle] = loop.call_at

        def noted(when: float, *words: object) -> asyncio.TimerHandle:
            calls.append(when)
            return at(when, *words)

        loop.call_at = noted
        return [await call(app, http_scope()) for _ in range(20)]

    assert [answer.status for answer in asyncio.run(main())] == [200] * 20
    assert len(calls) == 1


def test_a_wish_has_a_timer_of_its_own() -> None:
    """Callers may wish for anything."""

    async def main() -> object:
        timers = TimersByLength({30.0})
        loop = asyncio.get_running_loop()
        found = timers.find(loop, 30.0)
        assert found is not None
        assert timers.find(loop, 30.0) is found
        wished = timers.find(loop, 7.0)
        assert wished is not timers.find(loop, 7.0)
        return wished

    assert isinstance(asyncio.run(main()), OwnTimer)


def test_each_event_loop_has_its_own_timers() -> None:
    """One after the other."""
    app = alone(waits(2), [Deadline(1)])
    for _ in range(2):
        assert run("asyncio", lambda: call(app, http_scope())).status == 503


def test_an_answer_that_is_late_for_good_is_dropped() -> None:
    """Whatever its work still sends."""
    ended: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        for _ in range(2):
            try:
                await asyncio.sleep(5)
            except asyncio.CancelledError:
                pass
        await answers()(scope, receive, send)
        ended.append("ended")

    answer = run("asyncio", lambda: call(alone(app, [Deadline(1)]), http_scope()))
    assert (answer.status, ended) == (503, ["ended"])


def test_a_callers_own_deadline_is_lifted_once_the_answer_starts() -> None:
    """What streams has no deadline from its first chunk on."""
    overrun: list[object] = []

    async def streams(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"a", "more_body": True})
        await asyncio.sleep(60)
        await send({"type": "http.response.body", "body": b"b"})

    async def main() -> Answer:
        app = alone(streams, [Deadline(30, on_overrun=overrun.append)])
        return await call(app, http_scope(headers=[("x-request-deadline", "20")]))

    assert run("asyncio", main).body == b"ab"
    assert overrun == []
