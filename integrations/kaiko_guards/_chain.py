"""The guards of an application in the one sound order: deadline, size, key, limits.

The deadline runs while the others work; a body that is too large is refused before a key is
looked up; and a limit can count by key, since the key is known by then.
"""

from __future__ import annotations

from collections.abc import Iterable
from inspect import isawaitable
from typing import TYPE_CHECKING, TypeVar, cast

from kaiko_guards._deadlines import Deadline, timed_out
from kaiko_guards._keys import ApiKeys
from kaiko_guards._limits import RateLimit, refusal
from kaiko_guards._rates import tightest
from kaiko_guards._sizes import BodyLimit
from kaiko_middleware import ServiceUnavailableError
from kaiko_middleware.deadline import DEADLINE_HEADER
from kaiko_middleware.settings_check import is_plain_callable, refuse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kaiko_guards._limits import Count
    from kaiko_guards._rates import Verdict
    from kaiko_guards._request import GuardedRequest
    from kaiko_guards._shared import SharedCounter
    from kaiko_guards._verdicts import KeyAnswer, KeyVerifier, ValidKey

__all__ = ["Guard", "Guards", "ask_plain_verifier", "ask_verifier", "needs_plain_verifier"]

_DEADLINE = DEADLINE_HEADER.lower()
_KINDS = (Deadline, BodyLimit, ApiKeys, RateLimit)
_G = TypeVar("_G")

Guard = ApiKeys | BodyLimit | Deadline | RateLimit
"""Any guard, as the type of what a service hands to its middleware."""


class Guards:
    """The guards of one application, sorted.

    Arguments:
        key: the setting, for the message.
        given: the guards, in any order; of each kind but `RateLimit` at most one.

    Raises:
        ConfigError: it is no sequence of guards, or one kind is there twice.

    """

    def __init__(self, key: str, given: Iterable[Guard]) -> None:
        allowed = f"a sequence of {', '.join(kind.__name__ for kind in _KINDS)}"
        anything = cast("object", given)
        if isinstance(anything, str) or not isinstance(anything, Iterable):
            refuse(key, given, allowed)
        guards = tuple(cast("Iterable[object]", anything))
        for guard in guards:
            if not isinstance(guard, _KINDS):
                refuse(key, guard, allowed)
        self.deadline: Deadline | None = _one(key, guards, Deadline)
        self.size: BodyLimit | None = _one(key, guards, BodyLimit)
        self.keys: ApiKeys | None = _one(key, guards, ApiKeys)
        self.limits: tuple[RateLimit, ...] = tuple(
            guard for guard in guards if isinstance(guard, RateLimit)
        )
        self._shared = {
            limit.shared.settings: limit.shared for limit in self.limits if limit.shared is not None
        }
        self.shares: bool = bool(self._shared)
        """Whether a limit is counted in a server."""

    def seconds_for(self, request: GuardedRequest) -> float | None:
        """Return the seconds that a request has; None for no deadline.

        Raises:
            ServiceUnavailableError: its caller waits no longer; the work would be in vain.

        """
        if self.deadline is None:
            return None
        asked = request.read_header(_DEADLINE)
        seconds = self.deadline.for_request(request.path, asked)
        if seconds is not None and not seconds:
            raise timed_out()
        return seconds

    def count(self, request: GuardedRequest) -> Verdict | None:
        """Count a request against every limit that governs it; None where none does.

        Returns what the tightest says, for the header fields of the answer.

        Raises:
            RateLimitError: a limit refuses it; the limits after that do not count it.
            ServiceUnavailableError: nobody can count, and the limit is closed then.

        """
        told = self._count_here(request)
        for counter, counts in self._counts_elsewhere(request):
            told = _strictest(told, counter.hit(counts))
        return told

    async def count_async(self, request: GuardedRequest, loop: object) -> Verdict | None:
        """Do the same without blocking asyncio's event loop, given that loop."""
        told = self._count_here(request)
        if self.shares:
            for counter, counts in self._counts_elsewhere(request):
                told = _strictest(told, await counter.hit_async(counts, loop))
        return told

    async def open(self, loop: object) -> None:
        """Ask the servers once from an event loop, so that the first requests find a connection."""
        for counter in self._shared.values():
            try:
                await counter.hit_async([], loop)
            except ServiceUnavailableError:
                pass  # and it was logged

    async def close(self, loop: object) -> None:
        """Close the connections to servers that an event loop has, and those of threads."""
        for counter in self._shared.values():
            await counter.close(loop)

    def _count_here(self, request: GuardedRequest) -> Verdict | None:
        told: Verdict | None = None
        for limit in self.limits:
            if limit.counter is not None and limit.governs(request):
                count = limit.count(request)
                if count is not None:
                    told = _strictest(told, [limit.counter.hit(count.key, count.cost)])
        return told

    def _counts_elsewhere(
        self, request: GuardedRequest
    ) -> Iterable[tuple[SharedCounter, Sequence[Count]]]:
        """Group what is counted by where it is: one round trip each."""
        found: dict[object, tuple[SharedCounter, list[Count]]] = {}
        for limit in self.limits:
            if limit.shared is not None and limit.governs(request):
                count = limit.count(request)
                if count is not None:
                    shared = self._shared[limit.shared.settings]
                    found.setdefault(shared.settings, (shared, []))[1].append(count)
        return found.values()


def _strictest(told: Verdict | None, verdicts: Sequence[Verdict]) -> Verdict | None:
    """Return what the client is told, given what was said before; raises where one refuses."""
    if not verdicts:
        return told
    verdict = tightest(verdicts)
    if not verdict.allowed:
        raise refusal(verdict)
    return verdict if told is None else tightest([told, verdict])


def _one(key: str, guards: tuple[object, ...], kind: type[_G]) -> _G | None:
    found = [guard for guard in guards if isinstance(guard, kind)]
    if len(found) > 1:
        refuse(key, found, f"guards with one {kind.__name__} at most")
    return found[0] if found else None


def needs_plain_verifier(key: str, guards: Guards) -> None:
    """Refuse a verifier whose answer somebody would have to await.

    Raises:
        ConfigError: it is asynchronous.

    """
    if guards.keys is not None and not is_plain_callable(guards.keys.verifier.verify):
        refuse(key, guards.keys.verifier, "guards whose verifier has a plain verify(key) here")


def ask_plain_verifier(keys: ApiKeys, value: str | None) -> tuple[str, ValidKey]:
    """Return the key that a header's value is, and what a synchronous verifier says of it.

    Raises:
        KaikoError: what the request is answered with.

    """
    key = keys.key_in(value)
    verifier = cast("KeyVerifier", keys.verifier)
    try:
        answer = verifier.verify(key)
    except Exception as exc:
        raise _verifier_failed() from exc
    return key, keys.accept(answer)


async def ask_verifier(keys: ApiKeys, value: str | None) -> tuple[str, ValidKey]:
    """Return the key that a header's value is, and what a verifier of either kind says of it.

    Raises:
        KaikoError: what the request is answered with.

    """
    key = keys.key_in(value)
    try:
        said = keys.verifier.verify(key)
        answer: KeyAnswer = await said if isawaitable(said) else said
    except Exception as exc:
        raise _verifier_failed() from exc
    return key, keys.accept(answer)


def _verifier_failed() -> ServiceUnavailableError:
    """Return the error for a key that nobody can look up now: 503, never an open door."""
    return ServiceUnavailableError("API keys cannot be checked at the moment")
