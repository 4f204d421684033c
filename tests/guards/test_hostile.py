"""Floods, clocks that jump back, and bodies that trickle: bounded, and limited all the same."""

from __future__ import annotations

import asyncio
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

import pytest
import redis

from adapters.asgi.apps import error_of
from adapters.asgi.server import Answer, ask, call, http_scope
from adapters.httpx.virtual_time import run
from guards.requests import request
from guards.servers import Server
from guards.test_asgi import alone, reads, timed
from guards.test_memory import Clock, _counter, _kept
from guards.test_settling import RATES, Far, Process
from kaiko_guards import BodyLimit, Deadline, RateLimit
from kaiko_guards._chain import Guards
from kaiko_guards._memory import MemoryCounter
from kaiko_guards.asgi import GuardMiddleware
from kaiko_middleware import RateLimitError

if TYPE_CHECKING:
    from pathlib import Path

    from kaiko_asgi import ASGIApp, Receive, Scope, Send

PROXIES = ("10.0.0.0/8",)


def test_ten_thousand_addresses_cost_no_more_than_a_few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted: so many as there may be proxies in a row, whatever a client writes."""
    parsed: list[object] = []

    def counted(name: Any) -> Any:
        parsed.append(name)
        return ip_address(name)

    monkeypatch.setattr("kaiko_guards._request.ip_address", counted)
    forwarded = ", ".join(["10.0.0.2"] * 10_000)
    asked = request(headers={"x-forwarded-for": forwarded}, peer="10.0.0.1", proxies=PROXIES)
    assert asked.address == "10.0.0.2"
    assert len(parsed) <= 2 * 32


@pytest.mark.parametrize("fields", [1, 10_000], ids=["one field", "many fields"])
def test_addresses_that_a_client_writes_do_not_escape_its_limit(fields: int) -> None:
    """Each request names ten thousand others."""
    app = GuardMiddleware(_answers_ok, [RateLimit("2/hour", by="address")], trusted_proxies=PROXIES)
    statuses: list[int] = []
    for number in range(3):
        names = [f"198.51.{number}.{each % 250}" for each in range(10_000)]
        per_field = len(names) // fields
        values = [", ".join(names[at : at + per_field]) for at in range(0, len(names), per_field)]
        headers = [("x-forwarded-for", value) for value in [*values, "203.0.113.7"]]
        scope = http_scope(headers=headers)
        scope["client"] = ("10.0.0.1", 1)
        statuses.append(asyncio.run(call(app, scope)).status)
    assert statuses == [200, 200, 429]


async def _answers_ok(_scope: Scope, _receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def test_an_hour_of_made_up_keys_is_bounded_and_the_busy_are_remembered() -> None:
    """Those that were idle longest go; who is refused stays refused."""
    clock = Clock()
    counter = _counter("2/hour", clock, max_keys=20_000)
    most = 0
    for number in range(100_000):
        clock.now += 3600 / 1_000_000  # a million in an hour
        counter.hit(f"made up {number}")
        if not number % 1000:
            counter.hit("busy")
            most = max(most, _kept(counter))
    assert most <= 20_000
    assert not counter.hit("busy").allowed
    assert counter.hit("made up 99999").remaining == 0
    assert counter.hit("made up 1").remaining == 1


def test_what_is_due_to_a_server_that_is_gone_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """By what the memory keeps, however long it is gone."""
    monkeypatch.setattr("kaiko_guards._settling._ROOM", 1000)
    clock = Clock()
    far = Far(clock)
    far.fails = "before"
    one = Process(far, clock)
    one.memory = MemoryCounter(RATES, clock=clock, periods=2, max_keys=2000)
    most = 0
    for number in range(50_000):
        clock.now += 0.01
        one.ask(f"made up {number}", cost=10)
        most = max(most, len(one.settler._due))
    # A minute is owed of each, which is 6,000 of them at this pace.
    assert most <= 2 * 2000


def test_a_clock_that_jumps_back_locks_nobody_out() -> None:
    """For longer than two periods; nobody gets more than the limit for it either."""
    clock = Clock()
    counter = _counter("3/minute;10/hour", clock)
    assert [counter.hit("a").allowed for _ in range(4)] == [True] * 3 + [False]
    clock.now -= 500_000
    told = counter.hit("a")
    assert not told.allowed
    assert told.retry_after <= 2 * 3600
    clock.now += told.retry_after
    assert counter.hit("a").allowed


@pytest.mark.parametrize("settle_every", [None, 60])
def test_a_servers_clock_that_jumps_back_locks_nobody_out(
    tmp_path: Path, settle_every: float | None
) -> None:
    """What it had written is further away than it can be, and is brought nearer at once."""
    server = Server("redis", tmp_path)

    def limits() -> Guards:
        limit = RateLimit(
            "3/minute",
            by="address",
            storage=server.url,
            storage_timeout=5,
            settle_every=settle_every,
        )
        return Guards([limit])

    with redis.Redis(port=server.port) as client:
        guards = limits()
        guards.counting.count(request())
        (key,) = list(client.scan_iter(b"kaiko:*"))
        seconds, _ = client.time()
        client.set(key, f"{seconds + 500_000}.000000")
        asked = [limits() for _ in range(2)]
        for each in asked:
            if settle_every is None:
                with pytest.raises(RateLimitError) as caught:
                    each.counting.count(request())
                assert caught.value.retry_after is not None
                assert caught.value.retry_after <= 2 * 60
            else:  # it counts by itself, and hears of the other at once
                each.counting.count(request())
            kept = client.get(key)
            assert isinstance(kept, bytes)
            assert float(kept) <= seconds + 2 * 60 + 30
        for each in [guards, *asked]:
            asyncio.run(_closed(each))
    server.stop()


async def _closed(guards: Guards) -> None:
    await guards.counting.close(asyncio.get_running_loop())


@pytest.mark.parametrize("guards", [[Deadline(5)], [Deadline(5), BodyLimit(1000)]])
def test_a_body_that_trickles_is_ended_on_time(guards: list[Any]) -> None:
    """An octet a second, for ever; each comes in time."""
    received = 0

    def trickling(app: ASGIApp) -> ASGIApp:
        async def served(scope: Scope, _receive: Receive, send: Send) -> None:
            async def receive() -> Any:
                nonlocal received
                await asyncio.sleep(1)
                received += 1
                return {"type": "http.request", "body": b"x", "more_body": True}

            await app(scope, receive, send)

        return served

    async def main() -> tuple[Answer, float]:
        return await timed(trickling(alone(reads, guards)), method="POST")

    answer, took = run("asyncio", main)
    assert (answer.status, error_of(answer)["code"]) == (503, "timeout")
    assert took == pytest.approx(5, abs=0.01)
    assert received <= 5


def test_a_body_that_trickles_past_its_limit_is_refused_by_then() -> None:
    """No sooner and no later than it is too large."""
    body = [b"x"] * 12
    answer = ask(alone(reads, [Deadline(30), BodyLimit(10)]), method="POST", body=body)
    assert answer.status == 413


def test_a_settling_limit_survives_a_clock_that_jumps_back() -> None:
    """What is due is charged, and no key is locked out for long."""
    clock = Clock()
    far = Far(clock)
    one = Process(far, clock)
    for _ in range(10):
        one.ask()
    clock.now -= 1000
    assert not one.ask()
    told = one.memory.hit("a")
    assert told.retry_after <= RATES[0].longest
    clock.now += told.retry_after
    assert one.ask()
