"""Rate limits: whom a request is counted for, against which rates, and what is answered."""

from __future__ import annotations

from hashlib import sha256
from math import ceil
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple

from kaiko_guards._memory import MemoryCounter
from kaiko_guards._rates import parse_rates
from kaiko_middleware import RateLimitError
from kaiko_middleware.config import is_within
from kaiko_middleware.settings_check import is_plain_callable, path_prefixes, refuse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from kaiko_guards._rates import Rate, Verdict
    from kaiko_guards._request import GuardedRequest
    from kaiko_guards._shared import SharedCounter

    Identify = Callable[[GuardedRequest], str | None]
    Cost = Callable[[GuardedRequest], int]

__all__ = ["Count", "RateLimit", "limit_headers", "refusal"]

_METHOD = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ-")


class Count(NamedTuple):
    """What one limit counts of one request: for whom, against which rates, and how often."""

    key: str
    rates: Sequence[Rate]
    cost: int


class RateLimit:
    """Refuses what comes faster than its rates allow: 429 with `Retry-After`.

    Arguments:
        rates: such as `"100/minute"`; more than one, such as `"100/minute;5/second"`, must all
            allow a request.
        by: whom a request is counted for: `"key"`, `"principal"`, `"address"`, or a function
            that takes the request and returns a text, or None where the limit does not apply. A
            request without a key or principal is counted by its address.
        cost: how many requests one counts as, or a function that says so; below 1 it is not
            counted.
        paths: the path prefixes, by whole segments, that the limit governs.
        methods: the methods that it governs; all when left out. A WebSocket's handshake has
            the method `WEBSOCKET`.
        max_keys: how many keys are remembered at most, in memory.
        storage: where it is counted: `"memory://"`, in each process for itself, or a server that
            all share: `"redis://…"`, `"valkey://…"`.
        on_storage_error: what becomes of a request when that server fails: `"open"` lets it
            through, `"closed"` answers 503.
        storage_timeout: seconds that a request waits for the server at most.
        clock: seconds of a clock that never goes back, for what is counted in memory; a server
            counts by its own.

    Raises:
        ConfigError: a value is not allowed.

    """

    def __init__(
        self,
        rates: str,
        *,
        by: str | Identify = "key",
        cost: int | Cost = 1,
        paths: Iterable[str] = ("/",),
        methods: Iterable[str] | None = None,
        max_keys: int = 1_000_000,
        storage: str = "memory://",
        on_storage_error: str = "open",
        storage_timeout: float = 0.1,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self.rates: tuple[Rate, ...] = parse_rates("rates", rates)
        known = _BY.get(by) if isinstance(by, str) else by
        if known is None or not is_plain_callable(known):
            refuse("by", by, f"one of {', '.join(_BY)}, or a plain function that takes a request")
        self._identify: Identify = known
        self._cost: Cost | None = None
        self._fixed_cost = 1
        if isinstance(cost, int) and not isinstance(cost, bool) and cost >= 1:
            self._fixed_cost = cost
        elif not isinstance(cost, int) and is_plain_callable(cost):
            self._cost = cost
        else:
            refuse("cost", cost, "an int from 1, or a plain function that takes a request")
        self.paths: tuple[str, ...] = path_prefixes("paths", paths)
        self.methods: frozenset[str] | None = None if methods is None else frozenset(methods)
        if self.methods is not None and not all(
            method and _METHOD.issuperset(method) for method in self.methods
        ):
            refuse("methods", methods, "a sequence of upper-case methods")
        if type(max_keys) is not int or max_keys < 1:
            refuse("max_keys", max_keys, "an int from 1")
        self.counter: MemoryCounter | None = None
        """Counts in this process."""
        self.shared: SharedCounter | None = None
        """Counts for all processes."""
        if storage == "memory://":
            self.counter = MemoryCounter(self.rates, max_keys=max_keys, clock=clock)
        else:
            self.shared = _shared(storage, on_storage_error, storage_timeout)
        governs = rates, by if isinstance(by, str) else "", self.paths, sorted(self.methods or ())
        # The same in every process, and another one for every other limit.
        self._name = sha256(repr(governs).encode()).hexdigest()[:12]

    def governs(self, request: GuardedRequest) -> bool:
        """Whether the limit applies to the request's method and path."""
        if self.methods is not None and request.method not in self.methods:
            return False
        return is_within(request.path, self.paths)

    def count(self, request: GuardedRequest) -> Count | None:
        """Return what a request counts for; None where it counts for nobody."""
        key = self._identify(request)
        cost = self._fixed_cost if self._cost is None else self._cost(request)
        if key is None or cost < 1:
            return None
        return Count(key if self.shared is None else f"kaiko:{self._name}:{key}", self.rates, cost)


def _shared(storage: object, on_error: str, timeout: float) -> SharedCounter:
    if not isinstance(storage, str):
        refuse("storage", storage, "'memory://' or a server's URL such as 'redis://127.0.0.1:6379'")
    from kaiko_guards._shared import SharedCounter  # noqa: PLC0415 - it needs the extra

    return SharedCounter(storage, on_error=on_error, timeout=timeout)


def limit_headers(verdict: Verdict) -> list[tuple[str, str]]:
    """Return the header fields that tell a client how much is left (contract, section 4)."""
    _, limit, remaining, reset, _ = verdict
    return [
        ("X-RateLimit-Limit", str(limit)),
        ("X-RateLimit-Remaining", str(remaining)),
        ("X-RateLimit-Reset", str(ceil(reset))),
    ]


def refusal(verdict: Verdict) -> RateLimitError:
    """Return the error for a request that is refused."""
    return RateLimitError(
        retry_after=verdict.retry_after,
        limit=verdict.limit,
        remaining=verdict.remaining,
        reset=verdict.reset,
    )


def _by_key(request: GuardedRequest) -> str | None:
    if request.key is None:
        return _by_address(request)
    # No key lies in a storage, where others may read it.
    return f"key:{sha256(request.key.encode()).hexdigest()[:32]}"


def _by_principal(request: GuardedRequest) -> str | None:
    valid = request.valid_key
    return _by_address(request) if valid is None else f"principal:{valid.name}"


def _by_address(request: GuardedRequest) -> str | None:
    address = request.address
    return None if address is None else f"address:{address}"


_BY: dict[str, Identify] = {"key": _by_key, "principal": _by_principal, "address": _by_address}
