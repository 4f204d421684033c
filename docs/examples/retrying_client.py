"""The retry strategy of the V2 API, for any HTTP library."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ATTEMPTS = 3
DEADLINE = 30.0  # seconds for the whole call, including waits
RETRIED = {429, 500, 503}


class Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: bytes


def call(
    send: Callable[[], Answer],
    *,
    sleep: Callable[[float], None] = time.sleep,
    now: Callable[[], float] = time.monotonic,
    jitter: Callable[[], float] = random.random,
) -> Answer:
    """Send a request, retry if that helps, and return the last answer."""
    end = now() + DEADLINE
    attempt = 1
    while True:
        answer = send()
        headers = {name.lower(): value for name, value in answer.headers.items()}
        hopeless = headers.get("x-should-retry") == "false"
        if answer.status not in RETRIED or hopeless or attempt == ATTEMPTS:
            return answer
        wait = max(2.0 ** (attempt - 1) + jitter(), float(headers.get("retry-after", 0)))
        if now() + wait > end:
            return answer
        sleep(wait)
        attempt += 1
