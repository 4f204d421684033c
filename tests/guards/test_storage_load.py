"""A storage that is asked by many at once, or that is slow: bounded connections, bounded waits."""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from adapters.asgi.apps import answers
from adapters.asgi.server import Answer, call, http_scope
from guards.servers import Server
from guards.test_asgi import alone
from kaiko_guards import RateLimit
from kaiko_guards._limits import Count
from kaiko_guards._rates import parse_rates
from kaiko_guards._shared import SharedCounter
from kaiko_middleware import ServiceUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture(params=["redis", "valkey"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A server of each kind that lists its connections, by its URL."""
    server = Server(request.param, tmp_path)
    yield server.url
    server.stop()


_NOWHERE = "redis://127.0.0.1:1"
_COUNTS = [Count("all", parse_rates("rates", "100/hour"), 1)]


class _NoLoop:
    """Closes what threads have, and no loop's."""


def _connections(storage: str) -> int:
    """Return how many connections a server has, besides the one that asks."""
    port = int(storage.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port)) as asking:
        asking.sendall(b"CLIENT LIST\r\n")
        return asking.recv(65536).count(b"id=") - 1


def _lifespan(app: Any, within: Callable[[], Any]) -> Any:
    """Run `within` while the application's lifespan is open."""

    async def started(_scope: Any, _receive: Any, _send: Any) -> None:
        within_result.append(within())

    within_result: list[Any] = []
    app.app = started

    async def main() -> None:
        await app({"type": "lifespan"}, None, None)

    asyncio.run(main())
    return within_result[0]


def test_a_burst_of_tasks_opens_few_connections(url: str) -> None:
    """And each request is counted."""
    limit = RateLimit("100/day", by="address", storage=url, storage_timeout=30)
    app = alone(answers(), [limit])

    async def main() -> tuple[list[Answer], int]:
        told = await asyncio.gather(*(call(app, http_scope()) for _ in range(200)))
        opened = _connections(url)
        assert limit.shared is not None
        await limit.shared.close(asyncio.get_running_loop())
        return told, opened

    told, opened = asyncio.run(main())
    assert sorted(answer.status for answer in told) == [200] * 100 + [429] * 100
    assert opened <= 8


def test_a_burst_of_threads_opens_few_connections(url: str) -> None:
    """Likewise."""
    counter = SharedCounter(url, timeout=30)
    with ThreadPoolExecutor(32) as pool:
        told = list(pool.map(lambda _number: counter.hit(_COUNTS), range(200)))
    assert sum(verdict.allowed for ((verdict,),) in told) == 100
    assert _connections(url) <= 8
    asyncio.run(counter.close(_NoLoop()))


def test_many_that_wait_for_a_silent_server_wait_no_longer_than_one() -> None:
    """Nobody queues behind those that wait."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        storage = f"redis://127.0.0.1:{silent.getsockname()[1]}"
        app = alone(answers(), [RateLimit("1/hour", by="address", storage=storage)])

        async def main() -> tuple[list[Answer], float]:
            began = time.monotonic()
            told = await asyncio.gather(*(call(app, http_scope()) for _ in range(200)))
            return told, time.monotonic() - began

        told, took = asyncio.run(main())
    assert [answer.status for answer in told] == [200] * 200
    assert took < 2


def test_threads_wait_for_their_turn_no_longer_than_their_bound() -> None:
    """All turns are taken by threads that wait for a silent server."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        counter = SharedCounter(f"redis://127.0.0.1:{silent.getsockname()[1]}", timeout=0.1)
        began = time.monotonic()
        with ThreadPoolExecutor(32) as pool:
            told = list(pool.map(lambda _number: counter.hit(_COUNTS), range(32)))
        assert time.monotonic() - began < 2
    assert told == [[]] * 32


def _answers_by(counter: Any, call: Callable[..., object]) -> None:
    """Have `call` answer in place of the server."""
    connection = SimpleNamespace(disconnect=lambda: None)
    client = SimpleNamespace(execute_command=call, connection=connection)
    client.client = lambda: client
    counter._storage._plain = counter._storage._plain._replace(client=client, idle=[])


def test_a_server_that_answers_others_is_asked_again_at_once() -> None:
    """One slow answer does not lift the limit for everybody."""
    counter: Any = SharedCounter(_NOWHERE)
    asked: list[str] = []

    def slow(*_words: object) -> Any:
        asked.append("slow")
        _answers_by(counter, quick)
        assert counter.hit(_COUNTS)  # another request, meanwhile
        raise TimeoutError

    def quick(*_words: object) -> list[bytes]:
        asked.append("quick")
        return [b"0.000000"]

    _answers_by(counter, slow)
    assert counter.hit(_COUNTS) == []
    assert counter.hit(_COUNTS) != []
    assert asked == ["slow", "quick", "quick"]


def test_a_slow_server_is_told_of_once_a_second(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However often it is too slow, between answers that are not."""
    caplog.set_level(logging.WARNING, "kaiko.guards")
    clock = [100.0]
    time_told = SimpleNamespace(monotonic=lambda: clock[0])
    monkeypatch.setattr("kaiko_guards._shared.time", time_told)
    counter: Any = SharedCounter(_NOWHERE)

    def quick(*_words: object) -> list[bytes]:
        return [b"0.000000"]

    def slow(*_words: object) -> Any:
        _answers_by(counter, quick)
        counter.hit(_COUNTS)
        raise TimeoutError

    for _ in range(3):
        _answers_by(counter, slow)
        assert counter.hit(_COUNTS) == []
        assert counter.hit(_COUNTS) != []
    clock[0] += 1
    assert counter.hit(_COUNTS) != []
    said = [record.getMessage() for record in caplog.records if record.name == "kaiko.guards"]
    assert len(said) == 2
    assert said[1] == "the rate limits' storage is back"


@pytest.mark.parametrize("on_error", ["open", "closed"])
def test_a_server_that_failed_is_asked_by_one_request_at_a_time(
    on_error: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others do not wait for it once more."""
    clock = [100.0]
    time_told = SimpleNamespace(monotonic=lambda: clock[0])
    monkeypatch.setattr("kaiko_guards._shared.time", time_told)
    counter: Any = SharedCounter(_NOWHERE, on_error=on_error)
    asked: list[float] = []

    def passes() -> bool:
        try:
            return not counter.hit(_COUNTS)
        except ServiceUnavailableError:
            return False

    def gone(*_words: object) -> Any:
        asked.append(clock[0])
        if len(asked) == 2:
            assert passes() == (on_error == "open")  # another request, meanwhile
        raise ConnectionError

    _answers_by(counter, gone)
    passes()
    clock[0] += 0.5
    passes()
    clock[0] += 0.5
    passes()
    assert asked == [100.0, 101.0]


def test_a_lifespan_connects_before_the_first_request(url: str) -> None:
    """And loads the script."""
    app = alone(answers(), [RateLimit("1/hour", by="address", storage=url)])
    assert _lifespan(app, lambda: _connections(url)) == 1


@pytest.mark.parametrize("on_error", ["open", "closed"])
def test_a_service_starts_without_its_storage(
    on_error: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """With the one warning."""
    limit = RateLimit("1/hour", by="address", storage=_NOWHERE, on_storage_error=on_error)
    assert _lifespan(alone(answers(), [limit]), lambda: "started") == "started"
    assert "the rate limits' storage fails" in caplog.text


@pytest.mark.parametrize("scheme", ["redis", "valkey"])
def test_a_restart_between_two_bursts_is_not_noticed(scheme: str, tmp_path: Path) -> None:
    """Every connection that was open is lost, and each request is counted all the same."""
    server = Server(scheme, tmp_path)
    counter = SharedCounter(server.url, timeout=30)

    async def main() -> list[int]:
        loop = asyncio.get_running_loop()
        counted: list[int] = []
        for _ in range(2):
            told = await asyncio.gather(*(counter.hit_async(_COUNTS, loop) for _ in range(50)))
            counted.append(sum(map(len, told)))
            server.stop()
            server.start()
        await counter.close(loop)
        return counted

    try:
        assert asyncio.run(main()) == [50, 50]
    finally:
        server.stop()
