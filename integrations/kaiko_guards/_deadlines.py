"""Deadlines: how long a request may take."""

from __future__ import annotations

import logging
import re
from contextlib import contextmanager
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING, cast

from kaiko_guards._numbers import is_number
from kaiko_guards._paths import ByPath
from kaiko_middleware import ServiceUnavailableError
from kaiko_middleware.deadline import ends_at
from kaiko_middleware.settings_check import is_plain_callable, refuse

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from kaiko_guards._request import GuardedRequest

__all__ = ["GRACE", "Deadline", "timed_out"]

_log = logging.getLogger("kaiko.guards")
GRACE = 0.05
"""Seconds that cancelled work has to end, before it is said to go on."""
_SECONDS = re.compile(r"\d{1,6}(?:\.\d{1,6})?")
_LONGEST = 86_400.0


def timed_out() -> ServiceUnavailableError:
    """Return the error for a request that took too long: 503 `timeout`."""
    return ServiceUnavailableError("The operation timed out", code="timeout")


class Deadline:
    """Ends requests that take too long: 503 `timeout` where nothing went out yet.

    A caller that sends `X-Request-Deadline` waits no longer than that many seconds, and shortens
    the deadline. A response that streams has none from its first chunk on.

    Arguments:
        seconds: how many seconds a request may take.
        paths: other times for path prefixes, by whole segments; the longest prefix counts, and
            None means no deadline.
        on_overrun: called with a request whose work goes on after its deadline: a thread cannot
            be stopped, nor can code that ignores its cancellation. On WSGI, where nobody looks
            meanwhile, it is called when that work ends.

    Raises:
        ConfigError: a value is not allowed.

    """

    def __init__(
        self,
        seconds: float = 30.0,
        *,
        paths: Mapping[str, float | None] | None = None,
        on_overrun: Callable[[GuardedRequest], object] | None = None,
    ) -> None:
        self.seconds: float = _checked("seconds", seconds)
        given = dict(paths or {})
        self._by_path: ByPath[float | None] = ByPath(
            "paths",
            {key: None if each is None else _checked("paths", each) for key, each in given.items()},
        )

        if on_overrun is not None and not is_plain_callable(on_overrun):
            refuse("on_overrun", on_overrun, "a plain function that takes a request")
        self._on_overrun = on_overrun
        self.lengths: frozenset[float | None] = frozenset({self.seconds, *given.values()})
        """The times that a request may take where its caller does not say."""
        self._lock = Lock()
        self._overrunning = 0
        self._watched: dict[GuardedRequest, float] = {}

    @property
    def overrunning(self) -> int:
        """How many requests are worked for after their deadline, at this moment."""
        now = monotonic()
        late = sum(end < now for end in tuple(self._watched.values()))
        return self._overrunning + late

    def began_to_overrun(self, request: GuardedRequest) -> None:
        """Take note that the work for a request goes on after its deadline."""
        with self._lock:
            self._overrunning += 1
        self._tell(request)

    def ended_overrun(self) -> None:
        """Take note that such work has ended."""
        with self._lock:
            self._overrunning -= 1

    @contextmanager
    def in_thread(self, request: GuardedRequest, seconds: float) -> Generator[None]:
        """Tell the work of this thread how long it may take, and watch it.

        Nothing is ended: `deadline()` says what is left to whoever asks.
        """
        end = monotonic() + seconds
        token = ends_at.set(end)
        self._watched[request] = end
        try:
            yield
        finally:
            ends_at.reset(token)
            del self._watched[request]
            if monotonic() > end:
                self._tell(request)

    def _tell(self, request: GuardedRequest) -> None:
        if self._on_overrun is not None:
            try:
                self._on_overrun(request)
            except Exception:  # noqa: BLE001 - a service's hook may raise anything
                _log.exception("the on_overrun hook failed")

    def for_request(self, path: str, asked: str | None) -> float | None:
        """Return the seconds that a request has; None for no deadline.

        Arguments:
            path: its path.
            asked: its `X-Request-Deadline`; one that is no number of seconds says nothing.

        Raises:
            ServiceUnavailableError: its caller waits no longer; the work would be in vain.

        """
        seconds = self._by_path.get(path, self.seconds) if self._by_path.pairs else self.seconds
        if asked is not None and _SECONDS.fullmatch(asked):
            wanted = float(asked)
            if not wanted:
                raise timed_out()
            seconds = wanted if seconds is None else min(seconds, wanted)
        return seconds


def _checked(key: str, seconds: object) -> float:
    if not is_number(seconds, 0, _LONGEST) or not seconds:
        refuse(key, seconds, "seconds, above 0 and at most 86,400")
    return float(cast("float", seconds))  # `is_number` says so
