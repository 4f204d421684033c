"""What a driver is: one application of a framework that can do every act of a scenario."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

from kaiko_middleware.conformance import check_answer

if TYPE_CHECKING:
    from conformance.scenarios import Scenario
    from kaiko_middleware.conformance import Violation

COMPARED = frozenset(
    {
        "content-type",
        "content-length",
        "x-request-id",
        "x-should-retry",
        "cache-control",
        "retry-after",
        "x-ratelimit-limit",
        "x-ratelimit-remaining",
        "x-ratelimit-reset",
        "www-authenticate",
        "access-control-expose-headers",
        "etag",
        "last-modified",
        "content-encoding",
        "content-language",
        "expires",
    }
)
"""The header fields of an error answer that the contract speaks of."""

_ID = re.compile(rb"req-[0-9a-f]{10,32}")


@dataclass(frozen=True)
class Sent:
    """One request."""

    path: str
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()
    parts: tuple[bytes, ...] = ()
    """Its body, in the parts that arrive."""
    says_length: bool = True
    """Whether it says beforehand how long its body is."""

    @property
    def body(self) -> bytes:
        """All of its body."""
        return b"".join(self.parts)


def masked(data: bytes) -> bytes:
    """Return a text without its request id."""
    return _ID.sub(b"req-*", data)


class Result(NamedTuple):
    """What a client saw."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    cut: bool
    """Whether the client could see that the answer is not whole."""

    def values(self, name: str) -> list[str]:
        """Return all values of a header field."""
        return [value for key, value in self.headers if key.lower() == name]

    def comparable(self, scenario: Scenario) -> tuple[object, ...]:
        """Return what must be equal on every stack: all of it but the id."""
        headers = sorted(
            (name.lower(), masked(value.encode("latin-1")))
            for name, value in self.headers
            if name.lower() in COMPARED
        )
        if self.status < 400:
            # What a framework says of a success is its own business.
            headers = [item for item in headers if item[0] == "x-request-id"]
        elif scenario.kept:
            # Nor what it says of the length of an error that is kept.
            headers = [item for item in headers if item[0] != "content-length"]
        return self.status, headers, masked(self.body), self.cut


class Driver(Protocol):
    """One stack.

    Raises nothing for an exception that the framework hands on to its server: the result
    is what a client sees.
    """

    name: str
    lacks: frozenset[str]
    """The scenarios that its framework cannot do."""

    def send(self, sent: Sent) -> Result:
        """Send a request."""
        ...


def run(driver: Driver, scenario: Scenario) -> Result:
    """Send the scenario's request to the route `/s/<name>` (or to nowhere)."""
    parts = (scenario.body,) if scenario.body else ()
    return driver.send(Sent(path_of(scenario), scenario.method, scenario.request_headers, parts))


def faults(scenario: Scenario, seen: Result) -> list[Violation]:
    """Return every rule of the contract that the answer to a scenario breaks."""
    return check_answer(
        seen.status,
        seen.headers,
        seen.body,
        method=scenario.method,
        request_headers=scenario.request_headers,
    )


def path_of(scenario: Scenario) -> str:
    """Return the path that a scenario's request goes to."""
    from conformance.scenarios import Nowhere, Refuses

    if isinstance(scenario.act, Nowhere):
        return "/nowhere"
    return "/refuses" if isinstance(scenario.act, Refuses) else f"/s/{scenario.name}"
