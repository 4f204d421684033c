"""Counts in Redis, Valkey and their like: one script, which the server runs by its own clock.

On a cluster each key is a round trip of its own, since the keys may lie on different nodes: what
was counted is given back where another one refuses.
"""

from __future__ import annotations

import asyncio
import os
from functools import lru_cache
from importlib import import_module
from queue import Empty, SimpleQueue
from time import monotonic
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import finalize

from limits.storage import storage_from_string

from kaiko_guards._bounds import Bound
from kaiko_guards._loops import ByLoop
from kaiko_guards._storages import Charge
from kaiko_guards._timers import Timers

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable, Sequence

    from kaiko_guards._rates import Rate
    from kaiko_guards._storages import Batch

    _Asked = list[object]
    """The number of keys, the keys, and the script's arguments."""

__all__ = ["RedisStorage"]

_ESCAPES = str.maketrans({"{": "%7B", "}": "%7D", "%": "%25"})
"""A cluster would only look at what is in braces to find where a key lies."""
_AT_ONCE = 8
"""Requests that are counted at a time, and so the connections, of one event loop or of all threads.

A burst that opened one each would wait for that longer than for its turn.
"""
_REMEMBERED = 600_000
"""Milliseconds for which a batch that may have arrived is known."""

# Arguments: whether to charge whatever the limits say, the number of keys, the batch's number;
# then for each key the number of its rates, and of each the charge, the period and the hair. The
# last key remembers the writer's batch. Numbers are returned as text: they would come back as
# integers. The comparison is that of `Rate.take`, so that both say the same. What is no time
# of ours is written over.
#
# The usual case has three arguments, those of the one rate of one key. It takes a server half the
# time, and clients read a status faster than a list.
_SCRIPT = """
local t = redis.call('TIME')
local now = t[1] + t[2] / 1000000
if #KEYS == 1 and #ARGV == 3 then
  local since, period, hair = tonumber(redis.pcall('GET', KEYS[1])), tonumber(ARGV[2]), ARGV[3] + 0
  local ahead = since and since > now and since - now or 0
  local moved = ahead > 2 * period + hair
  if moved then ahead = 2 * period end
  local after = ahead + ARGV[1]
  local allowed = period - after >= -hair
  if allowed or moved then
    local kept = string.format('%.6f', now + (allowed and after or ahead))
    redis.call('SET', KEYS[1], kept, 'PX', math.ceil(after * 1000) + 1)
  end
  return redis.status_reply(string.format('%.17g', ahead))
end
local forced, keys, batch = ARGV[1] == '1', tonumber(ARGV[2]), ARGV[3]
local known = keys < #KEYS and redis.call('GET', KEYS[#KEYS]) == batch
local told, writes, allowed, moved, at = {}, {}, true, false, 4
for number = 1, keys do
  local kept, times, starts, afters, last = redis.pcall('GET', KEYS[number]), {}, {}, {}, 0
  if type(kept) == 'string' then
    for time in string.gmatch(kept, '[^ ]+') do
      local since = tonumber(time)
      times[#times + 1] = since == since and since or 0
    end
  end
  local rates = tonumber(ARGV[at])
  at = at + 1
  for rate = 1, rates do
    local charge, period = tonumber(ARGV[at]), tonumber(ARGV[at + 1])
    local hair = tonumber(ARGV[at + 2])
    at = at + 3
    local ahead = math.max((times[rate] or 0) - now, 0)
    if ahead > 2 * period + hair then
      ahead = 2 * period
      moved = true
    end
    local after = ahead + charge
    if forced then
      if known then after = ahead end
      after = math.max(0, math.min(after, 2 * period))
    elseif period - after < -hair then
      allowed = false
    end
    told[#told + 1] = string.format('%.17g', forced and after or ahead)
    starts[rate] = string.format('%.6f', now + ahead)
    afters[rate] = string.format('%.6f', now + after)
    last = math.max(last, after, ahead)
  end
  writes[number] = {starts, afters, math.ceil(last * 1000) + 1}
end
if allowed and not known or moved then
  for number = 1, keys do
    local starts, afters, lasts = unpack(writes[number])
    redis.call('SET', KEYS[number], table.concat(allowed and afters or starts, ' '), 'PX', lasts)
  end
end
if keys < #KEYS and not known then
  redis.call('SET', KEYS[#KEYS], batch, 'PX', ARGV[#ARGV])
end
return told
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
            return self._ask([_asked(charges)])
        groups = self._groups(charges)
        told = self._ask([_asked(group) for group in groups])
        refused = _to_give_back(groups, told)
        if refused:
            self._ask([_asked(_negative(group), forced=True) for group in refused])
        return _by_charge(charges, told)

    def take_async(
        self, charges: Sequence[Charge], loop: object
    ) -> Coroutine[Any, Any, list[list[float]]]:
        """Do the same without blocking the event loop, given that loop."""
        if len(charges) == 1:
            return self._ask_async([_asked(charges)], loop)
        return self._take_each_async(charges, loop)

    async def _take_each_async(self, charges: Sequence[Charge], loop: object) -> list[list[float]]:
        groups = self._groups(charges)
        told = await self._ask_async([_asked(group) for group in groups], loop)
        refused = _to_give_back(groups, told)
        if refused:
            await self._ask_async(
                [_asked(_negative(group), forced=True) for group in refused], loop
            )
        return _by_charge(charges, told)

    def settle(self, batch: Batch) -> list[list[float]]:
        """Charge all of the keys, once however often it is asked; tell what is afterwards."""
        asked = [_asked_to_settle(batch, group) for group in self._groups(batch.charges)]
        return _by_charge(batch.charges, self._ask(asked))

    async def settle_async(self, batch: Batch, loop: object) -> list[list[float]]:
        """Do the same without blocking the event loop, given that loop."""
        asked = [_asked_to_settle(batch, group) for group in self._groups(batch.charges)]
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

    def _ask(self, asked: Sequence[_Asked]) -> list[list[float]]:
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
                        one.script_load(_SCRIPT)
                        answer = one.execute_command("EVALSHA", digest, *each)
                    told.append(_told(answer))
            except BaseException:
                if self._keeps:
                    one.connection.disconnect()  # an answer may come yet, and is nobody else's
                raise
            finally:
                idle.append(one)
        finally:
            self._turns.put(None)
        return told

    async def _ask_async(self, asked: Sequence[_Asked], loop: object) -> list[list[float]]:
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
                            await one.script_load(_SCRIPT)
                            answer = await one.execute_command("EVALSHA", digest, *each)
                        told.append(_told(answer))
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
        digest = client.register_script(_SCRIPT).sha
        return _Connection(client, digest, unknown, [])


def _leave(loops: Iterable[_OnLoop]) -> None:
    """Take the connections from clients that nobody closed.

    They would tell the loop that runs by then, or fail for want of one.
    """
    for each in loops:
        for one in each.connection.idle:
            one.connection = None


def _asked(charges: Sequence[Charge], *, forced: bool = False) -> _Asked:
    """Return what the script is called with."""
    if len(charges) == 1 and not forced:
        key, rates, seconds = charges[0]
        return [1, _key(key), *_usual_arguments(rates, seconds)]
    keys = [_key(key) for key, _, _ in charges]
    return [len(keys), *keys, *_arguments(charges, forced=forced, batch=0)]


def _arguments(charges: Sequence[Charge], *, forced: bool, batch: int) -> list[object]:
    arguments: list[object] = [int(forced), len(charges), batch]
    for _, rates, seconds in charges:
        arguments += _words(rates, seconds)
    return arguments


@lru_cache(maxsize=1024)
def _usual_arguments(rates: Sequence[Rate], seconds: Sequence[float]) -> tuple[bytes, ...]:
    """Return the arguments for one key, which are nearly always the same."""
    words = _words(rates, seconds)
    return tuple(words[1:]) if len(rates) == 1 else (b"0", b"1", b"0", *words)


def _words(rates: Sequence[Rate], seconds: Sequence[float]) -> list[bytes]:
    """Return what the script is told of a key; as octets, which the client need not encode."""
    words = [b"%d" % len(rates)]
    for rate, charge in zip(rates, seconds, strict=True):
        words += [repr(each).encode() for each in (charge, rate.period, rate.hair)]
    return words


def _asked_to_settle(batch: Batch, group: Sequence[Charge]) -> _Asked:
    if not batch.writer:
        return _asked(group, forced=True)
    keys = [_key(key) for key, _, _ in group]
    keys.append(b"{%b}:%b" % (keys[0], batch.writer.encode()))  # where the first one lies
    arguments = _arguments(group, forced=True, batch=batch.number)
    return [len(keys), *keys, *arguments, _REMEMBERED]


def _key(key: str) -> bytes:
    if "{" in key or "}" in key or "%" in key:  # to look takes a tenth of the time
        key = key.translate(_ESCAPES)
    return key.encode("utf-8", "surrogatepass")


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


def _told(answer: bytes | list[bytes]) -> list[float]:
    """Return what the script says: one number in the usual case."""
    return [float(each) for each in answer] if isinstance(answer, list) else [float(answer)]


def _by_charge(charges: Sequence[Charge], told: Sequence[Sequence[float]]) -> list[list[float]]:
    each = iter([seconds for group in told for seconds in group])
    return [[next(each) for _ in charge.rates] for charge in charges]
