"""A verifier's answers, kept for a while, in front of any verifier."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Generic, TypeVar

from kaiko_guards._numbers import is_number
from kaiko_guards._stored_keys import digest_of
from kaiko_guards._verdicts import AsyncKeyVerifier, KeyVerifier, ValidKey, needs_thread
from kaiko_middleware.settings_check import refuse

if TYPE_CHECKING:
    from collections.abc import Callable

    from kaiko_guards._verdicts import KeyAnswer

__all__ = ["AsyncCachedKeys", "CachedKeys"]

_V = TypeVar("_V")


class _Cache:
    """Answers by digest, so that no key stays in memory."""

    def __init__(
        self, hits: float, misses: float, max_keys: int, clock: Callable[[], float]
    ) -> None:
        for key, seconds in (("hits", hits), ("misses", misses)):
            if not is_number(seconds, 0, 86_400):
                refuse(key, seconds, "seconds, from 0 to 86,400")
        if type(max_keys) is not int or max_keys < 1:
            refuse("max_keys", max_keys, "an int from 1")
        self._answers: dict[str, tuple[float, KeyAnswer]] = {}
        self._lasts = hits, misses
        self._max_keys = max_keys
        self._clock = clock

    def find(self, digest: str) -> KeyAnswer | None:
        found = self._answers.get(digest)
        return found[1] if found is not None and found[0] > self._clock() else None

    def keep(self, digest: str, answer: KeyAnswer) -> None:
        hits, misses = self._lasts
        lasts = hits if isinstance(answer, ValidKey) else misses
        if not lasts:
            return
        answers = self._answers
        if len(answers) >= self._max_keys:
            # The oldest half; what is dropped is looked up again.
            for old in list(answers)[: self._max_keys // 2 + 1]:
                answers.pop(old, None)
        answers.pop(digest, None)
        answers[digest] = self._clock() + lasts, answer


class _Cached(Generic[_V]):
    """What both kinds are made of."""

    def __init__(
        self,
        verifier: _V,
        *,
        hits: float = 30.0,
        misses: float = 5.0,
        max_keys: int = 10_000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._verifier = verifier
        self._cache = _Cache(hits, misses, max_keys, clock)


class CachedKeys(_Cached[KeyVerifier]):
    """A verifier's answers, kept for a while.

    Arguments:
        verifier: what is asked.
        hits: seconds that a valid key is remembered: a revocation takes that long to be seen.
        misses: seconds that any other answer is remembered.
        max_keys: how many answers are kept.
        clock: seconds of a clock that never goes back.

    Raises:
        ConfigError: a value is not allowed.

    """

    @property
    def needs_thread(self) -> bool:
        """Whether no event loop can call it, as the verifier behind it says."""
        return needs_thread(self._verifier)

    def verify(self, key: str, /) -> KeyAnswer:
        """Say what is known of `key`, or was a while ago."""
        digest = digest_of(key)
        found = self._cache.find(digest)
        if found is None:
            found = self._verifier.verify(key)
            self._cache.keep(digest, found)
        return found


class AsyncCachedKeys(_Cached[AsyncKeyVerifier]):
    """An asynchronous verifier's answers, kept for a while; arguments as of `CachedKeys`."""

    async def verify(self, key: str, /) -> KeyAnswer:
        """Say what is known of `key`, or was a while ago."""
        digest = digest_of(key)
        found = self._cache.find(digest)
        if found is None:
            found = await self._verifier.verify(key)
            self._cache.keep(digest, found)
        return found
