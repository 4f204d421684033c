"""Counts that many processes and machines share, and what becomes of requests without them.

The connections are those of the `limits` library, by one URL: `redis://`, `valkey://`, their
cluster and sentinel kinds, and `memcached://`.
"""

from __future__ import annotations

import logging
import time
from functools import lru_cache
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

from kaiko_middleware.extras import require

require("kaiko_guards._shared", "limits", install="kaiko-middleware[guards]")

from limits.errors import ConfigurationError

from kaiko_guards._memcached import MemcachedStorage
from kaiko_guards._numbers import is_number
from kaiko_guards._redis import RedisStorage
from kaiko_guards._storages import Batch, Charge
from kaiko_middleware import ServiceUnavailableError
from kaiko_middleware.safe_exception import class_name
from kaiko_middleware.settings_check import refuse, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kaiko_guards._limits import Count
    from kaiko_guards._rates import Rate, Verdict
    from kaiko_guards._storages import Storage

__all__ = ["SharedCounter"]

_log = logging.getLogger("kaiko.guards")
# A third of the time that the class's own constructor takes; it is called for every request.
_charge = cast("Callable[[type[Charge], tuple[object, ...]], Charge]", vars(tuple)["__new__"])
_SCHEMES = frozenset({"redis", "rediss", "valkey", "valkeys"})
_KINDS = frozenset({"", "unix", "cluster", "sentinel"})
_ALLOWED = (
    "'memory://', or the URL of a server such as 'redis://127.0.0.1:6379/0', 'valkey://…' or "
    "'memcached://127.0.0.1:11211'"
)
_AGAIN = 1.0
"""Seconds until a server that failed is asked again."""


class SharedCounter:
    """Counts requests in a server that many processes share.

    Arguments:
        url: where the server is.
        on_error: what becomes of a request when the server fails: `"open"` lets it through, and
            one warning is logged then and another when the server is back; `"closed"` answers
            503.
        timeout: seconds that a request waits for the server at most.
        settle_every: after how many seconds a process settles what it counted by itself; None
            where every request is counted in the server.

    Raises:
        ConfigError: a value is not allowed, or a library is missing.

    """

    def __init__(
        self,
        url: str,
        *,
        on_error: str = "open",
        timeout: float = 0.1,
        settle_every: float | None = None,
    ) -> None:
        if on_error not in ("open", "closed"):
            refuse("on_storage_error", on_error, "'open' or 'closed'")
        if not is_number(timeout, 0, 60) or not timeout:
            refuse("storage_timeout", timeout, "seconds, above 0 and at most 60")
        if settle_every is not None:
            if not is_number(settle_every, 0.01, 60):
                refuse("settle_every", settle_every, "seconds, from 0.01 to 60")
            if on_error == "closed":
                allowed = "'open' with settle_every: what was counted is let through beforehand"
                refuse("on_storage_error", on_error, allowed)
        self.settings: tuple[str, str, float, float | None] = url, on_error, timeout, settle_every
        """What it was made with: limits with the same settings share one."""
        self.timeout: float = timeout
        """Seconds that a request waits for the server at most."""
        self._closed = on_error == "closed"
        self._becomes = "refused" if self._closed else "not limited"
        if settle_every is not None:
            self._becomes = "counted in each process by itself"
        self._answers = 0  # of the server, ever
        self._failing = False
        self._resting = False
        self._again_at = 0.0
        self._storage: Storage
        try:
            self._storage = _storage(url, timeout)
        except (ImportError, ConfigurationError) as exc:
            allowed = f"one whose client is installed ({shown(str(exc))})"
            refuse("storage", _without_password(url), allowed)
        except ValueError:
            refuse("storage", _without_password(url), _ALLOWED)

    def hit(self, counts: Sequence[Count]) -> list[list[Verdict]]:
        """Count a request for each of some limits, or for none where one refuses.

        Returns of each what its rates say; nothing where the server fails and that is let through.

        Raises:
            ServiceUnavailableError: the server fails, and that is not let through.

        """
        if self._resting and self._is_resting():
            return []
        seen = self._answers
        try:
            told = self._storage.take(_charges(counts))
        except Exception as exc:  # noqa: BLE001 - any client's exceptions
            return self._failed(exc, seen)
        return self._succeeded(counts, told)

    async def hit_async(self, counts: Sequence[Count], loop: object) -> list[list[Verdict]]:
        """Do the same without blocking asyncio's event loop, given that loop."""
        if self._resting and self._is_resting():
            return []
        seen = self._answers
        try:
            told = await self._storage.take_async(_charges(counts), loop)
        except Exception as exc:  # noqa: BLE001 - any client's exceptions
            return self._failed(exc, seen)
        return self._succeeded(counts, told)

    def give_back(self, counts: Sequence[Count]) -> None:
        """Undo a hit that was allowed; where the server fails it stays counted."""
        self.settle(_given_back(counts))

    async def give_back_async(self, counts: Sequence[Count], loop: object) -> None:
        """Do the same without blocking asyncio's event loop, given that loop."""
        await self.settle_async(_given_back(counts), loop)

    def settle(self, batch: Batch) -> list[list[float]] | None:
        """Charge what is due; return how far ahead each key is then, or None where that failed."""
        if self._rests():
            return None
        seen = self._answers
        try:
            told = self._storage.settle(batch)
        except Exception as exc:  # noqa: BLE001 - any client's exceptions
            self._note(exc, seen)
            return None
        self._answered()
        return told

    async def settle_async(self, batch: Batch, loop: object) -> list[list[float]] | None:
        """Do the same without blocking asyncio's event loop, given that loop."""
        if self._rests():
            return None
        seen = self._answers
        try:
            told = await self._storage.settle_async(batch, loop)
        except Exception as exc:  # noqa: BLE001 - any client's exceptions
            self._note(exc, seen)
            return None
        self._answered()
        return told

    async def open(self, loop: object) -> None:
        """Ask the server once from an event loop, so that its first requests find a connection."""
        try:
            await self.hit_async([], loop)
        except ServiceUnavailableError:
            pass  # and it was logged

    async def close(self, loop: object) -> None:
        """Close the connections of an event loop that ends, and those of threads."""
        await self._storage.close(loop)

    def _rests(self) -> bool:
        """Whether the server failed just now, and others ask it again."""
        if not self._resting:
            return False
        now = time.monotonic()
        if now < self._again_at:
            return True
        self._again_at = now + _AGAIN  # this request asks, and others do not wait with it
        return False

    def _is_resting(self) -> bool:
        """Whether it rests; raises where nothing is let through then."""
        if not self._rests():
            return False
        if self._closed:
            raise _unavailable()
        return True

    def _note(self, exc: Exception, seen: int) -> None:
        """Take note that the server failed.

        Arguments:
            exc: how.
            seen: how many answers there were when it was asked. A server that answered others
                since then is slow, and is asked again at once.

        """
        self._resting = self._answers == seen
        self._again_at = time.monotonic() + _AGAIN
        if not self._failing:
            self._failing = True
            _log.warning(
                "the rate limits' storage fails, and requests are %s: %s",
                self._becomes,
                class_name(type(exc)),
            )

    def _failed(self, exc: Exception, seen: int) -> list[list[Verdict]]:
        """Say what becomes of a request that could not be counted."""
        self._note(exc, seen)
        if self._closed:
            raise _unavailable() from exc
        return []

    def _answered(self) -> None:
        self._answers += 1
        if self._failing and (self._resting or time.monotonic() >= self._again_at):
            self._failing = self._resting = False
            _log.warning("the rate limits' storage is back")

    def _succeeded(
        self, counts: Sequence[Count], told: Sequence[Sequence[float]]
    ) -> list[list[Verdict]]:
        self._answered()
        # The rule that the server followed, with its clock.
        if len(counts) == 1 and len(told[0]) == 1:  # the usual case, in a third of the time
            _, rates, cost = counts[0]
            return [[rates[0].take(told[0][0], 0.0, cost)[1]]]
        return [
            [
                rate.take(start, 0.0, count.cost)[1]
                for rate, start in zip(count.rates, starts, strict=True)
            ]
            for count, starts in zip(counts, told, strict=True)
        ]


def _storage(url: str, timeout: float) -> Storage:
    """Return what counts at `url`; raises `ValueError` where that is no URL of a kind we know."""
    scheme, _, kind = urlsplit(url).scheme.partition("+")
    if scheme == "memcached" and not kind:
        return MemcachedStorage(url, timeout=timeout)
    if scheme not in _SCHEMES or kind not in _KINDS:
        raise ValueError(scheme)
    client = "valkey" if scheme.startswith("valkey") else "redis"
    return RedisStorage(url, client, is_cluster=kind == "cluster", timeout=timeout)


def _charges(counts: Sequence[Count]) -> list[Charge]:
    if len(counts) == 1:  # for two thirds
        key, rates, cost = counts[0]
        return [_charge(Charge, (str(key), rates, _cost(rates, cost)))]
    return [_charge(Charge, (str(key), rates, _cost(rates, cost))) for key, rates, cost in counts]


@lru_cache(maxsize=1024)
def _cost(rates: Sequence[Rate], cost: int) -> tuple[float, ...]:
    """Return what each rate charges, which is nearly always the same."""
    return tuple([rate.charge(cost) for rate in rates])


def _given_back(counts: Sequence[Count]) -> Batch:
    charges = [
        Charge(key, rates, [-each for each in seconds]) for key, rates, seconds in _charges(counts)
    ]
    return Batch(charges, "", 0)


def _unavailable() -> ServiceUnavailableError:
    return ServiceUnavailableError("Requests cannot be counted at the moment", retry_after=_AGAIN)


def _without_password(url: str) -> str:
    scheme, at, rest = url.rpartition("@")
    return f"{scheme.partition('://')[0]}://***@{rest}" if at else url
