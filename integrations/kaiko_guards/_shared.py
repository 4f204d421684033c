"""Counts that many processes and machines share: one round trip a request, however many limits.

The connections are those of the `limits` library, by one URL: `redis://`, `valkey://`, their
cluster and sentinel kinds. The server counts, by its own clock, in one script that writes nothing
where one of the rates refuses. On a cluster each limit is a round trip of its own, since their keys
may lie on different nodes.
"""

from __future__ import annotations

import asyncio
import logging
import time
from importlib import import_module
from threading import Semaphore
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from kaiko_middleware.extras import require

require("kaiko_guards._shared", "limits", install="kaiko-middleware[guards]")

from limits.errors import ConfigurationError
from limits.storage import storage_from_string

from kaiko_guards._rates import tightest
from kaiko_middleware import ServiceUnavailableError
from kaiko_middleware.safe_exception import class_name
from kaiko_middleware.settings_check import refuse, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kaiko_guards._limits import Count
    from kaiko_guards._rates import Verdict

    Call = Callable[..., Any]

__all__ = ["SharedCounter"]

_log = logging.getLogger("kaiko.guards")
_SCHEMES = frozenset({"redis", "rediss", "valkey", "valkeys"})
_KINDS = frozenset({"", "unix", "cluster", "sentinel"})
_ALLOWED = "'memory://', or the URL of a server such as 'redis://127.0.0.1:6379/0' or 'valkey://…'"
_AGAIN = 1.0
"""Seconds until a server that failed is asked again."""
_AT_ONCE = 8
"""Requests that are counted at a time, and so the connections, of one event loop or of all threads.

A burst that opened one each would wait for that longer than for its turn.
"""

# For each key: how often it counts, the number of its rates, and of each the limit and the period.
# Returns of each rate how far in the future its allowance is whole, before this request, as text:
# numbers would come back as integers.
_SCRIPT = """
local t = redis.call('TIME')
local now = t[1] + t[2] / 1000000
local told, writes, allowed, at = {}, {}, true, 1
for number, key in ipairs(KEYS) do
  local cost, rates = tonumber(ARGV[at]), tonumber(ARGV[at + 1])
  at = at + 2
  local kept, times, last = redis.call('GET', key), {}, 0
  if kept then
    for time in string.gmatch(kept, '[^ ]+') do times[#times + 1] = tonumber(time) end
  end
  for rate = 1, rates do
    local limit, period = tonumber(ARGV[at]), tonumber(ARGV[at + 1])
    at = at + 2
    local interval = period / limit
    local start = math.max(times[rate] or 0, now)
    local after = start + math.min(cost, limit) * interval
    told[#told + 1] = string.format('%.6f', start - now)
    if after - now > period + interval * 0.000001 + 0.000001 then allowed = false end
    times[rate] = string.format('%.6f', after)
    last = math.max(last, after)
  end
  writes[number] = {table.concat(times, ' ', 1, rates), math.ceil((last - now) * 1000) + 1}
end
if allowed then
  for number, key in ipairs(KEYS) do
    redis.call('SET', key, writes[number][1], 'PX', writes[number][2])
  end
end
return told
"""


class _Connection(NamedTuple):
    """What asks the server from one event loop."""

    run: Call
    """Runs the script."""
    client: Any
    turn: asyncio.Semaphore


class SharedCounter:
    """Counts requests in a server that many processes share.

    Arguments:
        url: where the server is.
        on_error: what becomes of a request when the server fails: `"open"` lets it through, and
            one warning is logged then and another when the server is back; `"closed"` answers
            503.
        timeout: seconds that a request waits for the server at most.

    Raises:
        ConfigError: a value is not allowed, or a library is missing.

    """

    def __init__(self, url: str, *, on_error: str = "open", timeout: float = 0.1) -> None:
        scheme, _, kind = urlsplit(url).scheme.partition("+")
        if scheme not in _SCHEMES or kind not in _KINDS:
            refuse("storage", _without_password(url), _ALLOWED)
        if on_error not in ("open", "closed"):
            refuse("on_storage_error", on_error, "'open' or 'closed'")
        if not 0 < timeout <= 60:
            refuse("storage_timeout", timeout, "seconds, above 0 and at most 60")
        self.settings: tuple[str, str, float] = url, on_error, timeout
        """What it was made with: limits with the same settings share one."""
        self._url = url
        self._is_cluster = kind == "cluster"
        self._closed = on_error == "closed"
        self._client = "valkey" if scheme.startswith("valkey") else "redis"
        self._timeout = timeout
        self._plain: tuple[Call, Any] | None = None
        self._turn = Semaphore(_AT_ONCE)
        self._calls: WeakKeyDictionary[object, _Connection] = WeakKeyDictionary()
        self._answers = 0  # of the server, ever
        self._failing = False
        self._resting = False
        self._again_at = 0.0
        try:
            import_module(self._client)
            if not self._is_cluster:  # whose client asks the server at once
                self._plain = self._connect(is_async=False)
        except (ImportError, ConfigurationError) as exc:
            allowed = f"one whose client is installed ({shown(str(exc))})"
            refuse("storage", _without_password(url), allowed)

    def hit(self, counts: Sequence[Count]) -> list[Verdict]:
        """Count a request for each of some limits, or for none where one refuses.

        Returns the verdict of each; nothing where the server fails and that is let through.

        Raises:
            ServiceUnavailableError: the server fails, and that is not let through.

        """
        if self._is_resting():
            return []
        seen = self._answers
        try:
            told = self._ask(counts)
        except Exception as exc:  # noqa: BLE001 - any client's exceptions
            return self._failed(exc, seen)
        return self._succeeded(counts, told)

    def _ask(self, counts: Sequence[Count]) -> list[Any]:
        if not self._turn.acquire(timeout=self._timeout):
            raise TimeoutError
        try:
            if self._plain is None:
                self._plain = self._connect(is_async=False)
            return [self._plain[0](*_asked(group)) for group in self._groups(counts)]
        finally:
            self._turn.release()

    async def hit_async(self, counts: Sequence[Count], loop: object) -> list[Verdict]:
        """Do the same without blocking asyncio's event loop, given that loop."""
        if self._is_resting():
            return []
        seen = self._answers
        try:
            found = self._calls.get(loop)
            if found is None:
                turn = asyncio.Semaphore(_AT_ONCE)
                found = _Connection(*self._connect(is_async=True), turn)
                self._calls[loop] = found
            async with asyncio.timeout(self._timeout), found.turn:
                told = [await found.run(*_asked(group)) for group in self._groups(counts)]
        except Exception as exc:  # noqa: BLE001 - any client's exceptions
            return self._failed(exc, seen)
        return self._succeeded(counts, told)

    async def close(self, loop: object) -> None:
        """Close the connections of an event loop that ends, and those of threads."""
        if self._plain is not None:
            self._plain[1].close()
        found = self._calls.pop(loop, None)
        if found is not None:
            await found.client.aclose()

    def _groups(self, counts: Sequence[Count]) -> list[Sequence[Count]]:
        return [[count] for count in counts] if self._is_cluster else [counts]

    def _connect(self, *, is_async: bool) -> tuple[Call, Any]:
        """Return what runs the script, and its client; nothing is sent before the first request."""
        module = import_module(f"{self._client}.{'asyncio.' if is_async else ''}retry")
        backoff = import_module(f"{self._client}.backoff")
        # A task's time is limited as a whole, and a thread's at each step.
        timeout = None if is_async else self._timeout
        options: dict[str, Any] = {"socket_timeout": timeout, "socket_connect_timeout": timeout}
        if not self._is_cluster:
            # The clients' own retries would wait for longer than a request may.
            options["retry"] = module.Retry(backoff.NoBackoff(), 0)
        url = self._url
        if is_async:
            url = f"async+{url}"
            options["implementation"] = "redispy" if self._client == "redis" else "valkey"
        connect: Any = storage_from_string  # it returns storages of every kind
        storage = connect(url, **options)
        client = (storage.bridge if is_async else storage).get_connection()
        script: Call = client.register_script(_SCRIPT)
        return script, client

    def _is_resting(self) -> bool:
        """Whether the server failed just now; raises where nothing is let through then."""
        if not self._resting:
            return False
        now = time.monotonic()
        if now >= self._again_at:
            self._again_at = now + _AGAIN  # this request asks, and others do not wait with it
            return False
        if self._closed:
            raise _unavailable()
        return True

    def _failed(self, exc: Exception, seen: int) -> list[Verdict]:
        """Say what becomes of a request that could not be counted.

        Arguments:
            exc: why.
            seen: how many answers there were when it asked. A server that answered others since
                then is slow, and is asked again at once.

        """
        self._resting = self._answers == seen
        self._again_at = time.monotonic() + _AGAIN
        if not self._failing:
            self._failing = True
            becomes = "refused" if self._closed else "not limited"
            _log.warning(
                "the rate limits' storage fails, and requests are %s: %s",
                becomes,
                class_name(type(exc)),
            )
        if self._closed:
            raise _unavailable() from exc
        return []

    def _succeeded(self, counts: Sequence[Count], told: Sequence[Sequence[Any]]) -> list[Verdict]:
        self._answers += 1
        if self._failing and (self._resting or time.monotonic() >= self._again_at):
            self._failing = self._resting = False
            _log.warning("the rate limits' storage is back")
        starts = iter([float(start) for group in told for start in group])
        # The rule that the script follows, with its clock.
        return [
            tightest([rate.take(next(starts), 0.0, count.cost)[1] for rate in count.rates])
            for count in counts
        ]


def _asked(counts: Sequence[Count]) -> tuple[list[str], list[float]]:
    """Return the script's keys and arguments."""
    arguments: list[float] = []
    for _, rates, cost in counts:
        arguments += [cost, len(rates)]
        for rate in rates:
            arguments += [rate.limit, rate.period]
    return [count.key for count in counts], arguments


def _unavailable() -> ServiceUnavailableError:
    return ServiceUnavailableError("Requests cannot be counted at the moment", retry_after=_AGAIN)


def _without_password(url: str) -> str:
    scheme, at, rest = url.rpartition("@")
    return f"{scheme.partition('://')[0]}://***@{rest}" if at else url
