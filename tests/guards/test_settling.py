"""Counts that a process keeps by itself and settles with a server: bounded, and never lost."""

from __future__ import annotations

import asyncio
import logging
import os
from typing import TYPE_CHECKING, Any

import pytest

from adapters.asgi.apps import answers
from adapters.asgi.server import call, http_scope
from adapters.httpx.virtual_time import run
from guards.requests import request
from guards.servers import Server
from guards.test_asgi import alone
from guards.test_memory import Clock
from guards.test_wsgi import alone as alone_wsgi
from guards.test_wsgi import answers as answers_wsgi
from guards.test_wsgi import ask as ask_wsgi
from kaiko_guards import RateLimit
from kaiko_guards._chain import Guards
from kaiko_guards._limits import Count
from kaiko_guards._memory import MemoryCounter
from kaiko_guards._rates import parse_rates
from kaiko_guards._settling import Settler
from kaiko_guards._storages import Charge
from kaiko_middleware import RateLimitError
from kaiko_middleware.settings_check import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from kaiko_guards._storages import Batch

RATES = parse_rates("rates", "10/minute")
BOUND = 10


class Far:
    """A server, as far as a settler knows it: exact, on the same clock, and at times gone."""

    timeout = 60.0

    def __init__(self, clock: Clock) -> None:
        self.counter = MemoryCounter(RATES, clock=clock, periods=2)
        self.is_resting = False
        self.fails: str | None = None
        self.repeats = True
        self.asked = 0
        self._known: dict[str, int] = {}

    def settle(self, batch: Batch) -> list[list[float]] | None:
        """Charge what is due, once a batch."""
        if self.is_resting:
            return None
        self.asked += 1
        if self.fails == "before":
            return None
        batch.is_sent = not self.repeats
        if self._known.get(batch.writer) != batch.number:
            self._known[batch.writer] = batch.number
            for key, rates, seconds in batch.charges:
                ahead = zip(rates, self.counter.ahead(key), seconds, strict=True)
                after = [min(rate.longest, was + each) for rate, was, each in ahead]
                self.counter.set_ahead(key, after)
        if self.fails == "after":
            return None
        return [list(self.counter.ahead(key)) for key, *_ in batch.charges]

    async def settle_async(self, batch: Batch, _loop: object) -> list[list[float]] | None:
        """Do the same."""
        return self.settle(batch)

    def used(self, key: str) -> int:
        """Return how many requests it knows of."""
        return round(self.counter.ahead(key)[0] / RATES[0].interval)


class Process:
    """One process of a service."""

    def __init__(self, far: Far, clock: Clock, *, every: float = 0.5) -> None:
        self.memory = MemoryCounter(RATES, clock=clock, periods=2)
        shared: Any = far
        self.settler = Settler(shared, every, clock=clock)

    def ask(self, key: str = "a", cost: int = 1, *, settles: bool = True) -> bool:
        """Count one request; return whether it is let through."""
        count = Count(key, RATES, cost)
        allowed = self.memory.hit(key, cost).allowed
        if allowed:
            self.settler.note(self.memory, count)
        if settles:
            self.settler.settle_if_due()
        return allowed


@pytest.fixture
def clock() -> Clock:
    """A clock that stands still."""
    return Clock()


def test_nobody_asks_the_server_within_an_interval(clock: Clock) -> None:
    """The request that finds it over settles what was counted."""
    far = Far(clock)
    one = Process(far, clock)
    assert one.ask()
    assert far.asked == 1  # nothing had been settled for long
    assert [one.ask() for _ in range(4)] == [True] * 4
    assert (far.asked, far.used("a")) == (1, 1)
    clock.now += 0.5
    one.ask("b")
    assert (far.asked, far.used("a"), far.used("b")) == (2, 5, 1)


def test_processes_learn_from_each_other(clock: Clock) -> None:
    """What one lets through, the other does not after it has settled."""
    far = Far(clock)
    one, other = Process(far, clock), Process(far, clock)
    assert [one.ask() for _ in range(8)] == [True] * 8
    clock.now += 0.5
    one.ask("b")
    assert other.ask()  # it has not heard of the others yet, and does so now
    assert [other.ask() for _ in range(3)] == [True, False, False]


@pytest.mark.parametrize("processes", [2, 4])
def test_the_overshoot_is_bounded_and_paid_back(clock: Clock, processes: int) -> None:
    """Each process but one may let through what it does in one interval, and no more."""
    far = Far(clock)
    all_ = [Process(far, clock) for _ in range(processes)]
    for each in all_:
        each.ask("warm")
    through = 0
    # Two minutes of as many requests as anyone likes.
    for step in range(240):
        through += sum(each.ask() for each in all_ for _ in range(20))
        if not step:
            assert through <= 10 * processes
        clock.now += 0.5
    owed = 10 + 10 * 120 / 60
    assert through <= owed + (processes - 1) * 10
    assert through >= owed - 1
    for _ in range(240):
        through += sum(each.ask() for each in all_ for _ in range(20))
        clock.now += 0.5
    assert through <= 10 + 10 * 240 / 60 + (processes - 1) * 10


@pytest.mark.parametrize("fails", ["before", "after"])
def test_what_was_counted_stays_limited_and_is_settled_once(clock: Clock, fails: str) -> None:
    """Whether the server had heard of it or not."""
    far = Far(clock)
    one = Process(far, clock)
    one.ask()
    far.fails = fails
    clock.now += 0.5
    assert [one.ask() for _ in range(12)].count(True) == 9
    clock.now += 0.5
    one.ask("b")
    assert far.used("a") == (1 if fails == "before" else 2)
    far.fails = None
    clock.now += 0.5
    one.ask("c")
    assert (far.used("a"), far.used("b"), far.used("c")) == (10, 1, 1)
    assert not one.ask()


def test_what_cannot_be_repeated_is_not(clock: Clock) -> None:
    """Rather than counted twice, it may be lost: one batch of it."""
    far = Far(clock)
    far.repeats, far.fails = False, "after"
    one = Process(far, clock)
    one.ask()
    far.fails = None
    clock.now += 0.5
    one.ask("b")
    assert far.used("a") == 1


def test_what_the_rate_gave_back_is_charged_no_more(clock: Clock) -> None:
    """Where no request came for a while, or the server was gone."""
    far = Far(clock)
    one = Process(far, clock)
    one.ask("b")
    for _ in range(10):
        one.ask()
    clock.now += 30
    one.ask("b")
    assert far.used("a") == 5
    one.ask()
    far.fails = "before"
    clock.now += 1
    one.ask()
    clock.now += 120
    far.fails = None
    one.ask("c")
    assert (far.used("a"), far.used("c")) == (0, 1)


def test_a_server_that_rests_is_not_asked(clock: Clock) -> None:
    """It is by the next request after that."""
    far = Far(clock)
    one = Process(far, clock)
    far.is_resting = True
    one.ask()
    assert far.asked == 0
    far.is_resting = False
    clock.now += 0.5
    one.ask()
    clock.now += 0.5
    one.ask("b")
    assert far.used("a") == 2


def test_one_thread_settles_at_a_time(clock: Clock) -> None:
    """The others go on."""
    far = Far(clock)
    one = Process(far, clock)
    with one.settler._busy:
        assert one.ask()
    assert far.asked == 0


def test_many_keys_are_many_batches(clock: Clock) -> None:
    """And all of them arrive."""
    far = Far(clock)
    one = Process(far, clock)
    for number in range(1200):
        one.ask(f"key {number}", settles=False)
    one.settler.settle_if_due()
    assert far.asked == 3
    assert sum(far.used(f"key {number}") for number in range(1200)) == 1200


def test_the_time_to_settle_is_bounded(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """A request settles for no longer than it may wait; the rest comes later."""
    far = Far(clock)
    one = Process(far, clock)
    far.timeout = 0.1
    times = iter(range(1000))
    monkeypatch.setattr("kaiko_guards._settling.time.monotonic", lambda: next(times))
    for number in range(1200):
        one.ask(f"key {number}", settles=False)
    one.settler.settle_if_due()
    assert far.asked == 1


def test_a_server_that_forks_settles_apart(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was due then is the parent's to settle."""
    far = Far(clock)
    one = Process(far, clock)
    one.ask(settles=False)
    monkeypatch.setattr(os, "getpid", lambda: -1)
    one.settler.settle_if_due()
    assert far.used("a") == 0
    one.ask("b")
    clock.now += 1
    one.ask("b")
    assert far.used("b") == 2


# --- on asyncio -----------------------------------------------------------------------


def test_on_asyncio_a_timer_settles(clock: Clock) -> None:
    """Also where no request comes any more, and again where the server was gone."""
    far = Far(clock)

    async def main() -> None:
        one = Process(far, clock)
        loop = asyncio.get_running_loop()
        one.ask(settles=False)
        one.settler.settle_soon(loop)
        one.ask(settles=False)
        one.settler.settle_soon(loop)
        await asyncio.sleep(0.4)
        assert far.asked == 0
        await asyncio.sleep(0.2)
        assert (far.asked, far.used("a")) == (1, 2)
        await asyncio.sleep(5)
        assert far.asked == 1
        far.fails = "before"
        one.ask(settles=False)
        one.settler.settle_soon(loop)
        await asyncio.sleep(2)
        assert far.asked > 2
        far.fails, far.is_resting = None, True
        asked = far.asked
        await asyncio.sleep(2)
        assert far.asked == asked
        far.is_resting = False
        await asyncio.sleep(1)
        assert far.used("a") == 3
        one.ask(settles=False)
        one.settler.settle_soon(loop)
        far.fails = "before"
        await one.settler.close(loop)  # which waits for nobody
        far.fails = None
        await one.settler.close(loop)
        assert far.used("a") == 4

    run("asyncio", main)


def test_on_asyncio_one_settles_at_a_time(clock: Clock) -> None:
    """The other comes back to it."""
    far = Far(clock)

    async def main() -> None:
        one = Process(far, clock)
        loop = asyncio.get_running_loop()
        one.ask(settles=False)
        one.settler.settle_soon(loop)
        with one.settler._busy:
            await asyncio.sleep(0.6)
        assert far.asked == 0
        await asyncio.sleep(0.6)
        assert far.used("a") == 1

    run("asyncio", main)


# --- with real servers ----------------------------------------------------------------


@pytest.fixture(params=["redis", "valkey", "memcached"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    """A server of each kind."""
    made = Server(request.param, tmp_path)
    yield made
    made.stop()


def _limit(server: Server, rates: str = "10/hour", every: float = 60) -> RateLimit:
    return RateLimit(rates, by="address", storage=server.url, storage_timeout=5, settle_every=every)


async def _close(guards: Sequence[Guards]) -> None:
    for each in guards:
        await each.counting.close(asyncio.get_running_loop())


def _ask(guards: Guards) -> bool:
    try:
        guards.counting.count(request())
    except RateLimitError:
        return False
    return True


def _settle(guards: Guards) -> None:
    """Have the interval be over."""
    for settler in guards.counting._settlers:
        settler._next_at = 0.0
        settler.settle_if_due()


def test_several_counters_share_one_limit(server: Server) -> None:
    """Four of them, in their first interval and after it; then it is as exact as it is."""
    guards = [Guards([_limit(server)]) for _ in range(4)]
    through = 0
    for _ in range(2):
        through += sum(_ask(each) for each in guards for _ in range(5))
        for each in guards:
            _settle(each)
    assert through <= 10 + 3 * 10
    assert not any(_ask(each) for each in guards for _ in range(5))
    late = Guards([_limit(server)])
    assert _ask(late)
    assert not _ask(late)
    asyncio.run(_close([*guards, late]))


def test_a_limit_that_settles_has_a_count_of_its_own(server: Server) -> None:
    """What is owed would be too much for one that asks each time."""
    settles, asks = Guards([_limit(server, "1/hour")]), _limit(server, "1/hour")
    plain = Guards([RateLimit("1/hour", by="address", storage=server.url, storage_timeout=5)])
    assert [_ask(settles), _ask(settles), _ask(plain), _ask(plain)] == [True, False, True, False]
    assert asks.shared is not None
    asyncio.run(_close([settles, plain]))


def test_a_server_that_is_killed_and_started_loses_nothing_that_is_due(
    server: Server, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was counted meanwhile is limited here, and is known there afterwards."""
    caplog.set_level(logging.WARNING, "kaiko.guards")
    monkeypatch.setattr("kaiko_guards._shared._AGAIN", 0.0)
    one = Guards([_limit(server)])
    assert _ask(one)
    server.stop()
    assert [_ask(one) for _ in range(12)].count(True) == 9
    _settle(one)
    _settle(one)
    server.start()
    _settle(one)
    late = Guards([_limit(server)])
    assert _ask(late)  # it hears of the nine, which a server without a memory forgot one of
    assert not _ask(late)
    said = [record.getMessage() for record in caplog.records if record.name == "kaiko.guards"]
    assert len(said) == 2
    assert "counted in each process by itself" in said[0]
    assert said[1] == "the rate limits' storage is back"
    asyncio.run(_close([one, late]))


@pytest.mark.parametrize("scheme", ["redis", "valkey"])
def test_a_batch_counts_once_however_often_it_arrives(scheme: str, tmp_path: Path) -> None:
    """An answer that is lost on its way is asked for again."""
    server = Server(scheme, tmp_path)
    limit = _limit(server)
    guards = Guards([limit])
    assert limit.shared is not None
    settle = limit.shared.settle
    lost: list[object] = []

    def loses(batch: Batch) -> None:
        lost.append(settle(batch))

    (settler,) = guards.counting._settlers
    settler.shared.settle = loses  # type: ignore[method-assign] # it loses answers
    assert [_ask(guards) for _ in range(4)] == [True] * 4
    _settle(guards)
    settler.shared.settle = settle  # type: ignore[method-assign] # as it was
    _settle(guards)
    assert len(lost) == 2
    late = Guards([_limit(server)])
    assert [_ask(late) for _ in range(6)] == [True] * 6
    _settle(late)
    assert not _ask(late)
    asyncio.run(_close([guards, late]))
    server.stop()


@pytest.mark.parametrize("key", ["plain", "{tag}", "{}", "a{b}c{d}", "%7B"])
def test_a_clusters_keys_settle_where_they_lie(key: str) -> None:
    """The key that remembers the batch lies in the same slot."""
    from redis.crc import key_slot

    from kaiko_guards._redis_script import words_to_settle
    from kaiko_guards._storages import Batch

    batch = Batch([Charge(key, RATES, [6.0])], "writer", 7)
    asked: Any = words_to_settle(batch, batch.charges)
    number, first, second, *arguments = asked
    assert number == 2
    assert first != second
    assert len({key_slot(each) for each in (first, second)}) == 1
    assert arguments[:3] == [1, 1, 7]


def test_limits_of_one_server_settle_together(server: Server) -> None:
    """One batch for all of them; a server that is gone is asked once, and then rests."""
    limits = [_limit(server, "10/hour"), _limit(server, "9/hour")]
    guards = Guards(limits)
    assert len(guards.counting._settlers) == 1
    assert _ask(guards)
    server.stop()
    assert _ask(guards)
    for _ in range(2):
        _settle(guards)
    (settler,) = guards.counting._settlers

    async def main() -> None:
        loop = asyncio.get_running_loop()
        settler.shared._again_at = 0.0
        for _ in range(2):
            await settler._settle(loop)
        await guards.counting.close(loop)

    asyncio.run(main())
    assert settler._sent is not None or server.scheme == "memcached"


def test_an_asgi_application_settles(server: Server) -> None:
    """By a timer, and with its lifespan."""

    async def nothing() -> Any:
        return {}

    async def drop(_message: Any) -> None:
        pass

    async def served(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await answers()(scope, receive, send)

    async def main() -> list[int]:
        one, other = (alone(served, [_limit(server, every=60)]) for _ in range(2))
        told = [(await call(one, http_scope())).status for _ in range(10)]
        await one({"type": "lifespan"}, nothing, drop)
        told.append((await call(other, http_scope())).status)
        await other({"type": "lifespan"}, nothing, drop)
        told.append((await call(other, http_scope())).status)
        await other({"type": "lifespan"}, nothing, drop)
        return told

    assert asyncio.run(main()) == [200] * 11 + [429]


def test_a_wsgi_application_settles(server: Server) -> None:
    """Within a request."""
    limits = [_limit(server), _limit(server, every=30)]
    one = alone_wsgi(answers_wsgi, [limits[0]])
    assert [ask_wsgi(one)[0] for _ in range(11)] == [200] * 10 + [429]
    for limit in limits:
        assert limit.shared is not None
        asyncio.run(_closed(limit.shared.close))


async def _closed(close: Callable[[object], Any]) -> None:
    await close(asyncio.get_running_loop())


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"settle_every": 0.1}, "settle_every"),
        ({"settle_every": 0, "storage": "redis://127.0.0.1"}, "settle_every"),
        ({"settle_every": 61, "storage": "redis://127.0.0.1"}, "settle_every"),
        (
            {"settle_every": 1, "storage": "redis://127.0.0.1", "on_storage_error": "closed"},
            "on_storage_error",
        ),
    ],
)
def test_a_wrong_setting_is_named(given: dict[str, Any], named: str) -> None:
    """When the limit is made."""
    with pytest.raises(ConfigError, match=f"^{named}: "):
        RateLimit("1/hour", **given)
