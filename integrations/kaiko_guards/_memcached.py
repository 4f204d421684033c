"""Counts in Memcached, which runs no scripts: compare and swap, until nobody came between.

The clock is that of the workers, since Memcached tells no time: they must agree, as NTP has them
do, and a worker whose clock is ahead by a second grants what a second is worth. A request that
several limits count is one round trip to read and one to write for each; what was written is given
back where another key turns out to refuse meanwhile. Only who is let through writes, so that what
contends for a key is never more than its allowance.
"""

from __future__ import annotations

import asyncio
import os
import re
import time
from hashlib import sha256
from importlib import import_module
from math import inf
from threading import Lock, Semaphore
from typing import TYPE_CHECKING, Any

from limits.storage import storage_from_string

from kaiko_guards._loops import ByLoop
from kaiko_guards._storages import Read, Write
from kaiko_guards._swaps import settling, taking

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from kaiko_guards._storages import Batch, Charge
    from kaiko_guards._swaps import Steps

__all__ = ["MemcachedStorage"]

_URL = re.compile(r"memcached://([^@/?#]+)")
_LOCKS = 64
_AT_ONCE = 8
"""Round trips of threads at a time, and so their connections."""


class MemcachedStorage:
    """Counts in one Memcached or several, each with a part of the keys.

    Arguments:
        url: where they are, such as `memcached://127.0.0.1:11211`, separated by commas.
        timeout: seconds to wait for one answer, and until a request gives up.
        clock: seconds of a clock that the workers of all machines share.

    Raises:
        ImportError: a client is not installed.
        ConfigurationError: `limits` cannot use it.
        ValueError: the URL is not one.

    """

    def __init__(self, url: str, *, timeout: float, clock: Callable[[], float] = time.time) -> None:
        found = _URL.fullmatch(url)
        if found is None:
            raise ValueError
        self._nodes = tuple(
            _Node(f"memcached://{place.strip()}", timeout) for place in found[1].split(",")
        )
        self._timeout = timeout
        self._clock = clock
        self._turns: ByLoop[list[asyncio.Lock]] = ByLoop()
        self._begin()

    def _begin(self) -> None:
        """Have locks and connections of this process: those of a parent are the parent's."""
        # In one process they take turns at a key, rather than swap in vain.
        self._locks = [Lock() for _ in range(_LOCKS)]
        for node in self._nodes:
            node.begin()
        self._process = os.getpid()

    def take(self, charges: Sequence[Charge]) -> list[list[float]]:
        """Charge all of the keys, or none where a rate refuses; tell what was before."""
        if self._process != os.getpid():
            self._begin()
        ends = time.monotonic() + self._timeout
        lock = self._locks[hash(charges[0].key) % _LOCKS]
        if not lock.acquire(timeout=self._timeout):
            raise TimeoutError
        try:
            return self._run(taking(_hashed(charges), self._clock), ends)
        finally:
            lock.release()

    async def take_async(self, charges: Sequence[Charge], loop: object) -> list[list[float]]:
        """Do the same without blocking the event loop, given that loop."""
        if not charges:  # which is to connect
            async with asyncio.timeout(self._timeout):
                for node in self._nodes:
                    await node.connected(loop)
            return []
        turns = self._turns.get(loop)
        if turns is None:
            turns = [asyncio.Lock() for _ in range(_LOCKS)]
            self._turns.add(loop, turns)
        async with asyncio.timeout(self._timeout), turns[hash(charges[0].key) % _LOCKS]:
            return await self._run_async(taking(_hashed(charges), self._clock), loop)

    def settle(self, batch: Batch) -> list[list[float]]:
        """Charge all of the keys, never twice; tell what is afterwards."""
        if self._process != os.getpid():
            self._begin()
        ends = time.monotonic() + self._timeout
        return self._run(settling(_hashed(batch.charges), self._clock, batch), ends)

    async def settle_async(self, batch: Batch, loop: object) -> list[list[float]]:
        """Do the same without blocking the event loop, given that loop."""
        steps = settling(_hashed(batch.charges), self._clock, batch)
        async with asyncio.timeout(self._timeout):
            return await self._run_async(steps, loop)

    async def close(self, loop: object) -> None:
        """Close the connections of an event loop that ends, and those of threads."""
        self._turns.pop(loop, None)
        for node in self._nodes:
            node.close(loop)

    def _run(self, steps: Steps, ends: float) -> list[list[float]]:
        answer: Any = None
        while True:
            try:
                step = steps.send(answer)
            except StopIteration as done:
                result: list[list[float]] = done.value
                return result
            if time.monotonic() > ends:
                raise TimeoutError
            answers = [node.run(part) for node, part in self._parts(step)]
            answer = _joined(step, answers)

    async def _run_async(self, steps: Steps, loop: object) -> list[list[float]]:
        answer: Any = None
        while True:
            try:
                step = steps.send(answer)
            except StopIteration as done:
                result: list[list[float]] = done.value
                return result
            answers = [await node.run_async(part, loop) for node, part in self._parts(step)]
            answer = _joined(step, answers)

    def _parts(self, step: Read | Write) -> list[tuple[_Node, Read | Write]]:
        """Split a step by where its keys lie."""
        if len(self._nodes) == 1:
            return [(self._nodes[0], step)]
        if isinstance(step, Read):
            return [(node, Read(part)) for node, part in self._by_node(step.keys).items()]
        values = {value[0]: value for value in step.values}
        parts = self._by_node(list(values))
        return [(node, Write([values[key] for key in part])) for node, part in parts.items()]

    def _by_node(self, keys: Sequence[str]) -> dict[_Node, list[str]]:
        parts: dict[_Node, list[str]] = {}
        for key in keys:
            parts.setdefault(self._nodes[int(key[-8:], 16) % len(self._nodes)], []).append(key)
        return parts


class _Node:
    """The clients of one Memcached: pymemcache for threads, memcachio for event loops."""

    def __init__(self, url: str, timeout: float) -> None:
        self._url = url
        self._timeout = timeout
        self._connect: Any = storage_from_string  # it returns storages of every kind
        self._storage: Any = self._connect(url, connect_timeout=timeout, timeout=timeout)
        import_module("memcachio")
        self._clients: ByLoop[tuple[Any, asyncio.Future[None]]] = ByLoop()

    def begin(self) -> None:
        """Have turns and connections of this process."""
        storage = self._storage
        self._client: Any = storage.get_client(
            import_module("pymemcache.client"), storage.hosts, **storage.options
        )
        self._turn = Semaphore(_AT_ONCE)

    def run(self, step: Read | Write) -> Any:
        client = self._client
        if not self._turn.acquire(timeout=self._timeout):
            raise TimeoutError
        try:
            if isinstance(step, Read):
                return client.gets_many(step.keys)
            return {
                key: client.add(key, value, expire=expire, noreply=False)
                if token is None
                else bool(client.cas(key, value, token, expire=expire, noreply=False))
                for key, value, expire, token in step.values
            }
        except Exception:
            client.close()  # whatever its other connections are like by now
            raise
        finally:
            self._turn.release()

    async def run_async(self, step: Read | Write, loop: object) -> Any:
        client = await self.connected(loop)
        if isinstance(step, Read):
            found = await client.gets(*step.keys)
            return {key.decode(): (item.value, item.cas) for key, item in found.items()}
        written = [
            client.add(key, value, expiry=expire)
            if token is None
            else client.cas(key, value, token, expiry=expire)
            for key, value, expire, token in step.values
        ]
        told = await asyncio.gather(*written)
        return dict(zip((each[0] for each in step.values), told, strict=True))

    async def connected(self, loop: object) -> Any:
        """Return a client with one connection, on which all requests are sent one after another.

        The client loses count of its connections when what opens one is cancelled, so that it
        goes on opening when the request that it was opened for is over.
        """
        found = self._clients.get(loop)
        if found is None:
            storage = self._connect(
                f"async+{self._url}",
                implementation="memcachio",
                min_connections=1,
                max_connections=1,
                connect_timeout=self._timeout,
                read_timeout=self._timeout,
                max_inflight_requests_per_connection=1_000_000,
                max_average_response_time_for_connection_reuse=inf,
            )
            client = await storage.bridge.get_storage()
            opening = asyncio.ensure_future(client.connection_pool.initialize())
            found = client, opening
            self._clients.add(loop, found)
        client, opening = found
        if not opening.done():
            await asyncio.wait([opening])
        if opening.cancelled() or opening.exception() is not None:
            self._clients.pop(loop, None)
            await opening
        return client

    def close(self, loop: object) -> None:
        self._client.close()
        found = self._clients.pop(loop, None)
        if found is not None:
            found[0].connection_pool.close()


def _joined(step: Read | Write, answers: Sequence[Mapping[str, Any]]) -> Any:
    found = {key: each for answer in answers for key, each in answer.items()}
    return found if isinstance(step, Read) else [found[key] for key, *_ in step.values]


def _hashed(charges: Sequence[Charge]) -> list[Charge]:
    """Return the charges with keys that Memcached takes: no white space, at most 250 octets."""
    return [charge._replace(key=_hashed_key(charge.key)) for charge in charges]


def _hashed_key(key: str) -> str:
    return f"kaiko:{sha256(key.encode('utf-8', 'surrogatepass')).hexdigest()[:40]}"
