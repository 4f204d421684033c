"""Deadlines: how long a request may take."""

from __future__ import annotations

import logging
import math
import re
from typing import TYPE_CHECKING

from kaiko_guards._paths import ByPath
from kaiko_middleware import ServiceUnavailableError
from kaiko_middleware.settings_check import is_plain_callable, refuse

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kaiko_guards._request import GuardedRequest

__all__ = ["Deadline", "timed_out"]

_log = logging.getLogger("kaiko.guards")
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
        seconds: how long a request may take.
        paths: other times for path prefixes, by whole segments; the longest prefix counts, and
            None means no deadline.
        on_overrun: called with the request whose client was answered while its work goes on: a
            thread cannot be stopped, nor can code that ignores its cancellation.

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
        self.overrunning: int = 0
        """How many requests were answered while their work goes on."""

    def began_to_overrun(self, request: GuardedRequest) -> None:
        """Take note that a client is answered while the work for it goes on."""
        self.overrunning += 1
        if self._on_overrun is not None:
            try:
                self._on_overrun(request)
            except Exception:  # noqa: BLE001 - a service's hook may raise anything
                _log.exception("the on_overrun hook failed")

    def ended_overrun(self) -> None:
        """Take note that such work has ended."""
        self.overrunning -= 1

    def for_request(self, path: str, asked: str | None) -> float | None:
        """Return the seconds that a request has; None for no deadline.

        Arguments:
            path: its path.
            asked: its `X-Request-Deadline`; one that is no number of seconds says nothing.

        """
        seconds = self._by_path.get(path, self.seconds)
        if asked is not None and _SECONDS.fullmatch(asked):
            wanted = float(asked)
            seconds = wanted if seconds is None else min(seconds, wanted)
        return seconds


def _checked(key: str, seconds: object) -> float:
    if (
        isinstance(seconds, bool)
        or not isinstance(seconds, int | float)
        or not 0 < seconds <= _LONGEST
        or math.isnan(seconds)
    ):
        refuse(key, seconds, "seconds, above 0 and at most 86,400")
    return float(seconds)
