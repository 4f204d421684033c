"""Counts in Redis, Valkey and their like: one script, which the server runs by its own clock.

On a cluster each key is a round trip of its own, since the keys may lie on different nodes: what
was counted is given back where another one refuses.
"""

from __future__ import annotations

import asyncio
import os
from importlib import import_module
from queue import Empty, SimpleQueue
from time import monotonic
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import finalize

from limits.storage import storage_from_string

from kaiko_guards._bounds import Bound
from kaiko_guards._loops import ByLoop
from kaiko_guards._redis_script import SCRIPT, read_answer, words_for, words_to_settle
from kaiko_guards._storages import Charge
from kaiko_guards._timers import Timers

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable, Sequence

    from kaiko_guards._redis_script import Words
    from kaiko_guards._storages import Batch

__all__ = ["RedisStorage"]

_AT_ONCE = 8
"""Requests that are counted at a time, and so the connections, of one event loop or of all threads.

A burst that opened one each would wait for that longer than for its turn.
"""


class _Connection(NamedTuple):
    """What asks the server from threads, or from one event loop."""

    client: Any
    digest: str
    """The script's, by which the server knows it."""
    unknown: type[Exception]
    """What the client raises where the server does not know the script."""
    idle: list[Any]
    """Clients that keep a connection of `client`'s pool each: to take one there and to put it back
    takes a tenth to a third of a call."""


class _OnLoop(NamedTuple):
    """What asks the server from one event loop."""

    loop: object
    connection: _Connection
    turn: asyncio.Semaphore
    timers: Timers


class RedisStorage:
    """Counts in a server that speaks Redis's protocol.

    Arguments:
        url: where it is.
        client: the package of its client, `redis` or `valkey`.
        is_cluster: whether it is a cluster.
        timeout: seconds to wait for one answer.

    Raises:
        ImportError: the client is not installed.
        ConfigurationError: `limits` cannot use it.

    """

    def __init__(self, url: str, client: str, *, is_cluster: bool, timeout: float) -> None:
        self._url = url
        self._client = client
        self._is_cluster = is_cluster
        self._timeout = timeout
        self._loops: ByLoop[_OnLoop] = ByLoop()
        finalize(self, _leave, self._loops.values())  # also where the process ends
        self._latest: _OnLoop | None = None  # one loop is the rule
        import_module(client)
        # A cluster's client asks the server at once.
        self._plain: _Connection | None = None if is_cluster else self._connect(is_async=False)
        self._begin()
        # A sentinel's pool is to see each use: it finds out there which server is the primary.
        self._keeps = not is_cluster and "+sentinel:" not in url

    def take(self, charges: Sequence[Charge]) -> list[list[float]]:
        """Charge all of the keys, or none where a rate refuses; tell what was before."""
        if len(charges) == 1:
            return self._ask([words_for(charges)])
        groups = self._groups(charges)
        told = self._ask([words_for(group) for group in groups])
        refused = _to_give_back(groups, told)
        if refused:
            self._ask([words_for(_negative(group), forced=True) for group in refused])
        return _by_charge(charges, told)

    def take_async(
        self, charges: Sequence[Charge], loop: object
    ) -> Coroutine[Any, Any, list[list[float]]]:
        """Do the same without blocking the event loop, given that loop."""
        if len(charges) == 1:
            return self._ask_async([words_for(charges)], loop)
        return self._take_each_async(charges, loop)

    async def _take_each_async(self, charges: Sequence[Charge], loop: object) -> list[list[float]]:
        groups = self._groups(charges)
        told = await self._ask_async([words_for(group) for group in groups], loop)
        refused = _to_give_back(groups, told)
        if refused:
            await self._ask_async(
                [words_for(_negative(group), forced=True) for group in refused], loop
            )
        return _by_charge(charges, told)

    def settle(self, batch: Batch) -> list[list[float]]:
        """Charge all of the keys, once however often it is asked; tell what is afterwards."""
        asked = [words_to_settle(batch, group) for group in self._groups(batch.charges)]
        return _by_charge(batch.charges, self._ask(asked))

    async def settle_async(self, batch: Batch, loop: object) -> list[list[float]]:
        """Do the same without blocking the event loop, given that loop."""
        asked = [words_to_settle(batch, group) for group in self._groups(batch.charges)]
        return _by_charge(batch.charges, await self._ask_async(asked, loop))

    async def close(self, loop: object) -> None:
        """Close the connections of an event loop that ends, and those of threads."""
        if self._plain is not None:
            self._plain.client.close()
        self._latest = None
        found = self._loops.pop(loop, None)
        if found is not None:
            client, _, _, idle = found.connection
            for one in (*idle, client):
                await one.aclose()

    def _groups(self, charges: Sequence[Charge]) -> list[Sequence[Charge]]:
        return [[charge] for charge in charges] if self._is_cluster else [charges]

    def _begin(self) -> None:
        """Have turns and connections of this process: those of a parent are the parent's."""
        # A queue, since a semaphore of threads takes ten times as long.
        self._turns: SimpleQueue[None] = SimpleQueue()
        for _ in range(_AT_ONCE):
            self._turns.put(None)
        if self._plain is not None:
            self._plain = self._plain._replace(idle=[])
        self._process = os.getpid()

    def _ask(self, asked: Sequence[Words]) -> list[list[float]]:
        if self._process != os.getpid():
            self._begin()
        try:
            self._turns.get(timeout=self._timeout)
        except Empty:
            raise TimeoutError from None
        told: list[list[float]] = []
        try:
            client, digest, unknown, idle = self._here()
            one = self._idle_one(client, idle)
            try:
                for each in asked:
                    try:
                        answer = one.execute_command("EVALSHA", digest, *each)
                    except unknown:
                        one.script_load(SCRIPT)
                        answer = one.execute_command("EVALSHA", digest, *each)
                    told.append(read_answer(answer))
            except BaseException:
                if self._keeps:
                    one.connection.disconnect()  # an answer may come yet, and is nobody else's
                raise
            finally:
                idle.append(one)
        finally:
            self._turns.put(None)
        return told

    async def _ask_async(self, asked: Sequence[Words], loop: object) -> list[list[float]]:
        found = self._latest
        if found is None or found.loop is not loop:
            found = self._latest = self._on_loop(loop)
        _, (client, digest, unknown, idle), turn, timers = found
        told: list[list[float]] = []
        bound = Bound(asyncio.current_task())
        timers.add(bound, monotonic())
        try:
            await turn.acquire()  # an `async with` would cost twice as much
            try:
                one = self._idle_one(client, idle)
                try:
                    for each in asked:
                        try:
                            answer = await one.execute_command("EVALSHA", digest, *each)
                        except unknown:
                            await one.script_load(SCRIPT)
                            answer = await one.execute_command("EVALSHA", digest, *each)
                        told.append(read_answer(answer))
                finally:
                    idle.append(one)  # it closes a connection that it could not read to the end
            finally:
                turn.release()
        except BaseException as exc:
            if bound.ended_by(exc):
                raise TimeoutError from exc
            raise
        finally:
            timers.drop(bound)
        if bound.is_over:
            bound.ended_by(None)
        return told

    def _here(self) -> _Connection:
        """Return what asks the server from threads."""
        if self._plain is None:
            self._plain = self._connect(is_async=False)
        return self._plain

    def _idle_one(self, client: Any, idle: list[Any]) -> Any:
        try:
            return idle.pop()
        except IndexError:
            return client.client() if self._keeps else client

    def _on_loop(self, loop: object) -> _OnLoop:
        found = self._loops.get(loop)
        if found is None:
            timers = Timers(asyncio.get_running_loop(), self._timeout)
            turn = asyncio.Semaphore(_AT_ONCE)
            found = _OnLoop(loop, self._connect(is_async=True), turn, timers)
            _leave(self._loops.add(loop, found))
        return found

    def _connect(self, *, is_async: bool) -> _Connection:
        """Return what runs the script; nothing is sent before the first request."""
        module = import_module(f"{self._client}.{'asyncio.' if is_async else ''}retry")
        backoff = import_module(f"{self._client}.backoff")
        # A task's time is limited as a whole, and a thread's at each step.
        timeout = None if is_async else self._timeout
        options: dict[str, Any] = {"socket_timeout": timeout, "socket_connect_timeout": timeout}
        if not self._is_cluster:
            # The clients' own retries would wait for longer than a request may. Once, and at once:
            # after a restart of the server each connection that was open fails on its next use.
            lost = import_module(f"{self._client}.exceptions").ConnectionError
            options["retry"] = module.Retry(backoff.NoBackoff(), 1, supported_errors=(lost,))
            options["retry_on_error"] = [lost]
        if "+sentinel:" in self._url:
            # The sentinels' clients take none of these by themselves.
            options["sentinel_kwargs"] = options.copy()
        url = self._url
        if is_async:
            url = f"async+{url}"
            options["implementation"] = "redispy" if self._client == "redis" else "valkey"
        connect: Any = storage_from_string  # it returns storages of every kind
        storage = connect(url, **options)
        client = (storage.bridge if is_async else storage).get_connection()
        unknown = import_module(f"{self._client}.exceptions").NoScriptError
        digest = client.register_script(SCRIPT).sha
        return _Connection(client, digest, unknown, [])


def _leave(loops: Iterable[_OnLoop]) -> None:
    """Take the connections from clients that nobody closed.

    They would tell the loop that runs by then, or fail for want of one.
    """
    for each in loops:
        for one in each.connection.idle:
            one.connection = None


def _negative(charges: Sequence[Charge]) -> list[Charge]:
    return [Charge(key, rates, [-each for each in seconds]) for key, rates, seconds in charges]


def _refuses(charges: Sequence[Charge], told: Sequence[float]) -> bool:
    ahead = iter(told)
    return any(
        rate.period - (next(ahead) + seconds) < -rate.hair
        for charge in charges
        for rate, seconds in zip(charge.rates, charge.seconds, strict=True)
    )


def _to_give_back(
    groups: Sequence[Sequence[Charge]], told: Sequence[Sequence[float]]
) -> list[Sequence[Charge]]:
    """Return the groups that were counted, where another one was refused."""
    if len(groups) == 1:
        return []
    counted = [group for group, each in zip(groups, told, strict=True) if not _refuses(group, each)]
    return counted if len(counted) < len(groups) else []


def _by_charge(charges: Sequence[Charge], told: Sequence[Sequence[float]]) -> list[list[float]]:
    each = iter([seconds for group in told for seconds in group])
    return [[next(each) for _ in charge.rates] for charge in charges]
