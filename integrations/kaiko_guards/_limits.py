"""Rate limits: whom a request is counted for, and against which rates."""

from __future__ import annotations

import re
from collections.abc import Iterable
from hashlib import sha256
from time import monotonic
from typing import TYPE_CHECKING, Literal, NamedTuple, cast

from kaiko_guards._memory import Key, MemoryCounter
from kaiko_guards._rates import parse_rates
from kaiko_middleware.config import is_within
from kaiko_middleware.settings_check import is_plain_callable, path_prefixes, refuse

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from kaiko_guards._rates import Rate, Verdict
    from kaiko_guards._request import GuardedRequest
    from kaiko_guards._settling import Settler
    from kaiko_guards._shared import SharedCounter

    Identify = Callable[[GuardedRequest], Key | None]
    Cost = Callable[[GuardedRequest], int]

__all__ = ["Count", "RateLimit"]

_HERE = "memory://"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._:/-]{0,63}")
_METHOD = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ-")


class Count(NamedTuple):
    """What one limit counts of one request: for whom, against which rates, and how often."""

    key: Key
    rates: Sequence[Rate]
    cost: int


class RateLimit:
    """Refuses what comes faster than its rates allow: 429 with `Retry-After`.

    Arguments:
        rates: such as `"100/minute"`; more than one, such as `"100/minute;5/second"`, must all
            allow a request.
        by: whom a request is counted for: `"key"`, `"principal"`, `"address"`, or a function
            that takes the request and returns a text, or None where the limit does not apply. A
            request without a key or principal is counted by its address, a CORS preflight not
            at all.
        cost: how many requests one counts as, or a function that says so; below 1 it is not
            counted.
        paths: the path prefixes, by whole segments, that the limit governs.
        methods: the methods that it governs; all when left out. A WebSocket's handshake has
            the method `WEBSOCKET`.
        max_keys: how many keys are remembered at most, in memory.
        storage: where it is counted: `"memory://"`, in each process for itself, or a server that
            all share: `"redis://…"`, `"valkey://…"`, `"memcached://…"`.
        on_storage_error: what becomes of a request when that server fails: `"open"` lets it
            through, `"closed"` answers 503.
        storage_timeout: seconds that a request waits for the server at most.
        settle_every: seconds after which a process settles with that server what it counted by
            itself, from 0.01 to 60; no request waits for the server then, and processes may
            together let more through. None, the default, counts each request in the server.
        draft_fields: whether answers have `RateLimit-Policy` and `RateLimit` for this limit as
            well (draft-ietf-httpapi-ratelimit-headers).
        name: what these fields call it: of several rates, the name is followed by the rate. By
            default it is `by` and the rate, such as `key 100/minute`.
        clock: seconds of a clock that never goes back, for what is counted in memory; a server
            counts by its own.

    Raises:
        ConfigError: a value is not allowed.

    """

    def __init__(
        self,
        rates: str,
        *,
        by: Literal["key", "principal", "address"] | Identify = "key",
        cost: int | Cost = 1,
        paths: Iterable[str] = ("/",),
        methods: Iterable[str] | None = None,
        max_keys: int = 1_000_000,
        storage: str = _HERE,
        on_storage_error: Literal["open", "closed"] = "open",
        storage_timeout: float = 0.1,
        settle_every: float | None = None,
        draft_fields: bool = False,
        name: str | None = None,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self.rates: tuple[Rate, ...] = parse_rates("rates", rates)
        self._identify: Identify = _identifier(by, _BY if storage != _HERE else _BY_HERE)
        self._fixed_cost, self._cost = _checked_cost(cost)
        self.paths: tuple[str, ...] = path_prefixes("paths", paths)
        self.methods: frozenset[str] | None = _checked_methods(methods)
        self.is_everywhere: bool = "/" in self.paths and self.methods is None
        """Whether it applies to every request."""
        if type(max_keys) is not int or max_keys < 1:
            refuse("max_keys", max_keys, "an int from 1")
        self.settle_every: float | None = settle_every
        self.counter: MemoryCounter | None = None
        """Counts in this process."""
        self.shared: SharedCounter | None = None
        """Counts for all processes."""
        self.settler: Settler | None = None
        """Settles what was counted in this process, once an application counts by it."""
        if storage != _HERE:
            self.shared = _shared(storage, on_storage_error, storage_timeout, settle_every)
        elif settle_every is not None:
            refuse("settle_every", settle_every, "None where nothing is shared")
        if self.shared is None:
            self.counter = MemoryCounter(self.rates, max_keys=max_keys, clock=clock)
        elif settle_every is not None:
            # What the others have let through may be owed for another period.
            self.counter = MemoryCounter(self.rates, max_keys=max_keys, periods=2, clock=clock)
        if self.counter is not None:
            one = len(self.rates) == 1
            self._charge = self.counter.charge if one else self.counter.hit
        self.policies: tuple[str, ...] = ()
        """The names of its rates; none where no field tells them."""
        if name is not None and not _NAME.fullmatch(name):
            refuse("name", name, "letters, digits, spaces and ._:/-, at most 64 of them")
        if draft_fields:
            self.policies = _policies(name, by, self.rates)
        governs: tuple[object, ...] = (
            rates,
            by if isinstance(by, str) else "",
            self.paths,
            sorted(self.methods or ()),
        )
        if settle_every is not None:  # what is owed would be too much for one that asks each time
            governs = (*governs, "settled")
        # The same in every process, and another one for every other limit.
        self._name = sha256(repr(governs).encode()).hexdigest()[:12]

    def governs(self, request: GuardedRequest) -> bool:
        """Whether the limit applies to the request's method and path."""
        if self.methods is not None and request.method not in self.methods:
            return False
        return self.is_everywhere or is_within(request.path, self.paths)

    def charge(self, request: GuardedRequest) -> float | Verdict | None:
        """Count a request in this process alone; None where it counts for nobody.

        Returns what the tightest rate says; where there is only one, and it allows the request, in
        how many seconds its allowance is whole.
        """
        key = self._identify(request)
        cost = self._fixed_cost if self._cost is None else self._cost(request)
        return None if key is None or cost < 1 else self._charge(key, cost)

    def count(self, request: GuardedRequest) -> Count | None:
        """Return what a request counts for; None where it counts for nobody."""
        key = self._identify(request)
        cost = self._fixed_cost if self._cost is None else self._cost(request)
        if key is None or cost < 1:
            return None
        return Count(key if self.shared is None else f"kaiko:{self._name}:{key}", self.rates, cost)


def _identifier(by: str | Identify, names: Mapping[str, Identify]) -> Identify:
    known = names.get(by) if isinstance(by, str) else by
    if known is None or not is_plain_callable(known):
        refuse("by", by, f"one of {', '.join(names)}, or a plain function that takes a request")
    return known


def _checked_cost(cost: int | Cost) -> tuple[int, Cost | None]:
    if isinstance(cost, int) and not isinstance(cost, bool) and cost >= 1:
        return cost, None
    if isinstance(cost, int) or not is_plain_callable(cost):
        refuse("cost", cost, "an int from 1, or a plain function that takes a request")
    return 1, cost


def _checked_methods(methods: Iterable[str] | None) -> frozenset[str] | None:
    if methods is None:
        return None
    anything = cast("object", methods)  # callers may give anything
    several = isinstance(anything, Iterable) and not isinstance(anything, str | bytes)
    found: tuple[object, ...] = tuple(methods) if several else ()
    if not several or not all(_is_method(method) for method in found):
        refuse("methods", methods, "a sequence of upper-case methods")
    return frozenset(cast("Iterable[str]", found))  # each was asked


def _is_method(value: object) -> bool:
    return isinstance(value, str) and bool(value) and _METHOD.issuperset(value)


def _policies(name: str | None, by: object, rates: Sequence[Rate]) -> tuple[str, ...]:
    if name is not None and len(rates) == 1:
        return (name,)
    if name is None:
        called: object = by if isinstance(by, str) else getattr(by, "__name__", "")
        name = called if isinstance(called, str) and called.isidentifier() else "limit"
    return tuple(f"{name.encode('ascii', 'replace').decode()} {rate.text}" for rate in rates)


def _shared(
    storage: object, on_error: str, timeout: float, settle_every: float | None
) -> SharedCounter:
    if not isinstance(storage, str):
        refuse("storage", storage, "'memory://' or a server's URL such as 'redis://127.0.0.1:6379'")
    from kaiko_guards._shared import SharedCounter  # noqa: PLC0415 - it needs the extra

    return SharedCounter(storage, on_error=on_error, timeout=timeout, settle_every=settle_every)


def _by_key(request: GuardedRequest) -> str | None:
    if request.key is None:
        return _without_key(request)
    # No key lies in a storage, where others may read it.
    return f"key:{sha256(request.key.encode()).hexdigest()[:32]}"


def _by_key_here(request: GuardedRequest) -> Key | None:
    """Count by a key in this process alone, whose hashes nobody else can foresee."""
    key = request.key
    return _without_key(request) if key is None else hash(key)


def _by_principal(request: GuardedRequest) -> str | None:
    valid = request.valid_key
    return _without_key(request) if valid is None else f"principal:{valid.name}"


def _without_key(request: GuardedRequest) -> str | None:
    """Count by address, but no preflight: a whole office may have one address."""
    return None if request.is_preflight else _by_address(request)


def _by_address(request: GuardedRequest) -> str | None:
    address = request.address
    return None if address is None else f"address:{address}"


_BY: dict[str, Identify] = {"key": _by_key, "principal": _by_principal, "address": _by_address}
_BY_HERE = {**_BY, "key": _by_key_here}
