"""What only Memcached needs: several of them, turns at a key, and nobody who waits too long."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from guards.servers import Server
from kaiko_guards import RateLimit
from kaiko_guards._memcached import MemcachedStorage, _hashed_key
from kaiko_guards._rates import parse_rates
from kaiko_guards._storages import Charge
from kaiko_middleware.settings_check import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RATES = parse_rates("rates", "2/hour")


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """Two servers, by one URL."""
    servers = [Server("memcached", tmp_path) for _ in range(2)]
    yield "memcached://" + ",".join(f"127.0.0.1:{server.port}" for server in servers)
    for server in servers:
        server.stop()


def _charge(key: str) -> Charge:
    return Charge(key, RATES, [1800.0])


def test_several_servers_share_the_keys(url: str) -> None:
    """Threads and event loops find each where it lies."""
    storage, other = (MemcachedStorage(url, timeout=5) for _ in range(2))
    keys = [f"key {number}" for number in range(20)]
    charges = [_charge(key) for key in keys]
    assert storage.take(charges) == [[0.0]] * 20

    async def main() -> list[list[float]]:
        loop = asyncio.get_running_loop()
        told = await other.take_async(charges, loop)
        await other.close(loop)
        return told

    told = asyncio.run(main())
    assert [round(ahead) for (ahead,) in told] == [1800] * 20
    nodes = Counter(len(node.run_keys(keys)) for node in _Spies(storage).nodes)
    assert 0 not in nodes
    asyncio.run(_close(storage))


class _Spies:
    """Asks each server of a storage which keys it has."""

    def __init__(self, storage: MemcachedStorage) -> None:
        self.nodes = [_Spy(node) for node in storage._nodes]


class _Spy:
    def __init__(self, node: Any) -> None:
        self._node = node

    def run_keys(self, keys: list[str]) -> dict[str, Any]:
        found: dict[str, Any] = self._node._client.gets_many([_hashed_key(key) for key in keys])
        return found


async def _close(storage: MemcachedStorage) -> None:
    await storage.close(asyncio.get_running_loop())


def test_nobody_waits_for_a_turn_longer_than_its_bound(url: str) -> None:
    """At a key, at the connections, or for one swap after another."""
    storage = MemcachedStorage(url, timeout=0.01)
    lock = storage._locks[hash("a") % len(storage._locks)]
    with lock, pytest.raises(TimeoutError):
        storage.take([_charge("a")])
    turn = storage._nodes[0]._turn, storage._nodes[1]._turn
    for each in turn:
        for _ in range(8):
            assert each.acquire(timeout=1)
    with pytest.raises(TimeoutError):
        storage.take([_charge("a")])
    for each in turn:
        each.release(8)
    storage._timeout = -1.0
    with pytest.raises(TimeoutError):
        storage._run(iter_nothing(), 0.0)
    asyncio.run(_close(storage))


def test_what_is_no_time_is_written_over(url: str) -> None:
    """As in Redis, by threads and event loops."""
    storage = MemcachedStorage(url, timeout=5)
    for node in storage._nodes:
        node._client.set_many({_hashed_key(key): b"\xff junk" for key in "ab"}, noreply=False)
    assert storage.take([_charge("a")]) == [[0.0]]
    assert round(storage.take([_charge("a")])[0][0]) == 1800

    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert await storage.take_async([_charge("b")], loop) == [[0.0]]
        assert round((await storage.take_async([_charge("b")], loop))[0][0]) == 1800
        await storage.close(loop)

    asyncio.run(main())


def iter_nothing() -> Any:
    """Return steps that never end."""
    from kaiko_guards._storages import Read

    while True:
        yield Read(["kaiko:00000000"])


@pytest.mark.parametrize("url", ["memcached:///tmp/socket", "memcached://a:1?x=1", "memcached://"])
def test_a_url_names_hosts(url: str) -> None:
    """With their ports, and nothing else."""
    with pytest.raises(ConfigError, match=r"^storage: "):
        RateLimit("1/hour", storage=url)
