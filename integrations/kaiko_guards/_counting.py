"""One request, counted against every limit that governs it, or against none.

What is counted in memory comes first: a flood that memory refuses costs the server nothing. Then
each server is asked once. Where one refuses, what the others had counted is given back, so that a
client which is refused loses nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, cast

from kaiko_guards._rates import Verdict, tightest
from kaiko_guards._settling import Settler
from kaiko_guards._standing import Policy, refusal, standing
from kaiko_middleware import KaikoError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from kaiko_guards._limits import Count, RateLimit
    from kaiko_guards._memory import MemoryCounter
    from kaiko_guards._request import GuardedRequest
    from kaiko_guards._shared import SharedCounter
    from kaiko_guards._standing import Standing
    from kaiko_middleware import RateLimitError

__all__ = ["Counting"]


class _Here(NamedTuple):
    """What was counted in memory, and who settles it."""

    counter: MemoryCounter
    counted: Count
    settler: Settler | None


class _Tally:
    """What the limits say of one request."""

    __slots__ = ("elsewhere", "here", "policies", "verdicts")

    def __init__(self) -> None:
        self.verdicts: list[Verdict] = []
        self.policies: list[Policy] = []
        self.here: list[_Here] = []
        """What memory has let through."""
        self.elsewhere: list[tuple[SharedCounter, Sequence[Count]]] = []
        """What servers have let through."""

    def add(self, limit: RateLimit, count: Count, verdicts: Sequence[Verdict]) -> bool:
        """Take note of what the rates of a limit say; return whether they let the request by."""
        self.verdicts += verdicts
        if limit.policies:
            named = zip(limit.policies, count.rates, verdicts, strict=True)
            self.policies += [Policy(*each) for each in named]
        return all(verdict.allowed for verdict in verdicts)

    def add_shared(
        self,
        counter: SharedCounter,
        governed: Sequence[tuple[RateLimit, Count]],
        told: Sequence[Sequence[Verdict]],
    ) -> None:
        """Take note of what a server says, which is nothing where it fails.

        Raises:
            RateLimitError: one of the limits refuses the request.

        """
        if not told:
            return
        pairs = zip(governed, told, strict=True)
        allowed = [self.add(limit, count, verdicts) for (limit, count), verdicts in pairs]
        if not all(allowed):
            raise self.refusal()
        self.elsewhere.append((counter, [count for _, count in governed]))

    def refusal(self) -> RateLimitError:
        """Return the error for a request that is refused."""
        return refusal(tightest(self.verdicts), self.policies)

    def standing(self) -> Standing | None:
        """Return what the client is told; None where no limit governs the request."""
        return standing(self.verdicts, self.policies) if self.verdicts else None

    def give_back(self) -> None:
        """Have memory count the request no more."""
        for counter, count, _ in self.here:
            counter.give_back(count.key, count.cost)


class Counting:
    """Counts requests against some limits.

    Arguments:
        limits: each of them must allow a request.

    """

    def __init__(self, limits: Sequence[RateLimit]) -> None:
        self._here: list[tuple[RateLimit, MemoryCounter, Settler | None]] = []
        self._elsewhere: list[tuple[RateLimit, SharedCounter]] = []
        shared: dict[object, SharedCounter] = {}
        settlers: dict[object, Settler] = {}
        used: set[Settler] = set()
        for limit in limits:
            settler: Settler | None = None
            if limit.shared is not None:
                one = shared.setdefault(limit.shared.settings, limit.shared)
                if limit.counter is None or limit.settle_every is None:
                    self._elsewhere.append((limit, one))
                    continue
                # One of a limit, however many applications it governs: they share its memory.
                if limit.settler is None:
                    group = settlers.get(one.settings)
                    limit.settler = group or Settler(one, limit.settle_every)
                settler = settlers[one.settings] = limit.settler
                used.add(settler)
            counter = cast("MemoryCounter", limit.counter)  # no shared one, as was asked
            self._here.append((limit, counter, settler))
        self._shared = tuple(shared.values())
        self._settlers = tuple(used)
        self.waits: bool = bool(shared)
        """Whether a server is asked, with each request or from time to time."""
        self._is_idle = not limits
        is_simple = len(limits) == 1 and not limits[0].policies
        self._only = limits[0] if is_simple and not shared else None
        self._only_shared = self._elsewhere[0] if is_simple and self._elsewhere else None

    def count(self, request: GuardedRequest) -> Standing | None:
        """Count a request; return what its client is told, or None where no limit governs it.

        Raises:
            RateLimitError: a limit refuses it, and none counts it.
            ServiceUnavailableError: nobody can count, and the limit is closed then.

        """
        limit = self._only
        if limit is not None:
            return _counted_by(limit, request)
        if self._is_idle:
            return None
        if self._only_shared is not None:
            limit, counter = self._only_shared
            count = limit.count(request) if limit.governs(request) else None
            return None if count is None else _standing_after(counter.hit([count]))
        tally = self._count_here(request)
        try:
            for counter, governed in self._governed(request):
                told = counter.hit([count for _, count in governed])
                tally.add_shared(counter, governed, told)
        except KaikoError:
            tally.give_back()
            for counter, counts in tally.elsewhere:
                counter.give_back(counts)
            raise
        for settler in _to_settle(tally):
            settler.settle_if_due()
        return tally.standing()

    async def count_async(self, request: GuardedRequest, loop: Any) -> Standing | None:
        """Do the same without blocking asyncio's event loop, given that loop."""
        if self._only_shared is not None:
            limit, counter = self._only_shared
            count = limit.count(request) if limit.governs(request) else None
            return (
                None if count is None else _standing_after(await counter.hit_async([count], loop))
            )
        tally = self._count_here(request)
        try:
            for counter, governed in self._governed(request):
                told = await counter.hit_async([count for _, count in governed], loop)
                tally.add_shared(counter, governed, told)
        except KaikoError:
            tally.give_back()
            for counter, counts in tally.elsewhere:
                await counter.give_back_async(counts, loop)
            raise
        for settler in _to_settle(tally):
            settler.settle_soon(loop)
        return tally.standing()

    async def open(self, loop: object) -> None:
        """Connect to the servers from an event loop before its first request."""
        for counter in self._shared:
            await counter.open(loop)

    async def close(self, loop: object) -> None:
        """Settle what is due, and close the connections that an event loop has."""
        for settler in self._settlers:
            await settler.close(loop)
        for counter in self._shared:
            await counter.close(loop)

    def _count_here(self, request: GuardedRequest) -> _Tally:
        """Count a request in memory.

        Raises:
            RateLimitError: a limit refuses it, and none counts it.

        """
        tally = _Tally()
        allowed = True
        for limit, counter, settler in self._here:
            count = limit.count(request) if limit.governs(request) else None
            if count is None:
                continue
            if tally.add(limit, count, counter.hit_each(count.key, count.cost)):
                tally.here.append(_Here(counter, count, settler))
            else:
                allowed = False
        if not allowed:
            tally.give_back()
            raise tally.refusal()
        return tally

    def _governed(
        self, request: GuardedRequest
    ) -> Iterable[tuple[SharedCounter, Sequence[tuple[RateLimit, Count]]]]:
        """Group what servers count by where they are: one round trip each."""
        found: dict[SharedCounter, list[tuple[RateLimit, Count]]] = {}
        for limit, counter in self._elsewhere:
            count = limit.count(request) if limit.governs(request) else None
            if count is not None:
                found.setdefault(counter, []).append((limit, count))
        return found.items()


def _counted_by(limit: RateLimit, request: GuardedRequest) -> Standing | None:
    """Count a request by the one limit that there is, in memory.

    Raises:
        RateLimitError: it refuses the request.

    """
    if not limit.is_everywhere and not limit.governs(request):
        return None
    told = limit.charge(request)
    if told is None:
        return None
    if isinstance(told, Verdict):
        if not told.allowed:
            raise refusal(told)
        return standing([told], ())
    rate = limit.rates[0]
    return rate.limit, rate.remaining(told), told, ()


def _standing_after(told: Sequence[Sequence[Verdict]]) -> Standing | None:
    """Return what is left, by what a server says of the one limit that there is.

    Raises:
        RateLimitError: it refuses the request.

    """
    if not told:  # the server fails
        return None
    verdict = tightest(told[0])
    if not verdict.allowed:
        raise refusal(verdict)
    return standing([verdict], ())


def _to_settle(tally: _Tally) -> Iterable[Settler]:
    """Have what was counted in memory settled; return by whom."""
    found: dict[Settler, None] = {}
    for counter, count, settler in tally.here:
        if settler is not None:
            settler.note(counter, count)
            found[settler] = None
    return found
