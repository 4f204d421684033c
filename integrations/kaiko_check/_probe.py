"""A probe: requests that belong together, and what their answers must be besides the general rules.

What the general rules are is in `_judge`. A probe is data and one function, so that the plan can
count the requests of all probes before the first is sent.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

from ._judge import Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ._exchange import Answer, Headers, Request

__all__ = [
    "KINDS",
    "KNOWN",
    "MARK",
    "UNKNOWN",
    "Judge",
    "Kind",
    "Options",
    "Probe",
    "Seen",
    "no_server_error",
    "nothing_more",
]

MARK = "kaiko-check-7d3f"
"""What our nonsense is recognized by: no answer may repeat it."""

KNOWN = "known path"
UNKNOWN = "unknown path"
"""The names of the two probes that others are compared with."""

Kind: TypeAlias = Literal[
    "paths", "methods", "headers", "ids", "keys", "cors", "compression", "concurrent", "bodies",
    "fields", "operations", "streams",
]  # fmt: skip

KINDS: dict[Kind, str] = {
    "paths": "known, unknown and odd paths and queries",
    "methods": "HEAD, OPTIONS and methods that a path does not take",
    "headers": "Accept, Host and other headers, bad ones too",
    "ids": "inbound request ids: none, good, hostile, two",
    "keys": "no key, a malformed and an unknown one",
    "cors": "preflight and errors, as a browser asks",
    "compression": "compressed answers",
    "concurrent": "requests at the same time, and pipelined ones",
    "bodies": "malformed, empty, wrongly typed and oversized bodies",
    "fields": "missing and bad fields and parameters, by the OpenAPI document",
    "operations": "every operation of the OpenAPI document, by schemathesis",
    "streams": "event streams that you named",
}
"""What the requests are for, by the word of `--skip`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What is asked, and how.

    Arguments:
        paths: paths to probe, `/path` or `METHOD /path`; the first that takes GET is the known
            path, the first that takes POST gets the bad bodies. By default they are taken from the
            OpenAPI document, else `/` is the known path.
        headers: headers of every request, such as a key; their values are never shown where their
            names tell a secret.
        streams: paths of event streams or JSON lines.
        unsafe: whether to send POST, PUT, PATCH and DELETE too.
        openapi: where the OpenAPI document is: a path of the service, or a file; None looks at
            the usual places, and an empty text does not look.
        cases: requests for each operation of the OpenAPI document.
        skip: kinds of requests that are not sent; see `KINDS`.
        rate: requests a second at most; 0 for no limit. By default 20 at an address, and no
            limit in process.
        timeout: seconds until an answer has to be read.
        stream_seconds: seconds that an event stream is read for.
        body_size: bytes of the oversized body.
        at_once: requests that are sent at the same time by the kind `concurrent`.
        id_header: the name of the id's header.
        trusts_ids: whether the service is set to take the ids of its gateway.
        key_header: the header of the key that the kind `keys` leaves out and spoils.
        origin: the `Origin` that browsers send; one that the service allows.

    """

    paths: tuple[str, ...] = ()
    headers: Headers = ()
    streams: tuple[str, ...] = ()
    unsafe: bool = False
    openapi: str | None = None
    cases: int = 2
    skip: frozenset[str] = frozenset()
    rate: float | None = None
    timeout: float = 10.0
    stream_seconds: float = 3.0
    body_size: int = 2 * 1024 * 1024
    at_once: int = 8
    id_header: str = "X-Request-ID"
    trusts_ids: bool = False
    key_header: str = "x-api-key"
    origin: str = "https://kaiko-check.invalid"


@dataclass(slots=True)
class Seen:
    """What was seen so far.

    Arguments:
        answers: the answers of each probe, by its name.
        ids: which probe got an id, by the id.
        sent_ids: the inbound ids that were sent, and by which probe.
        codes: the status that came with a code, and the probe, by the code.

    """

    answers: dict[str, tuple[Answer, ...]] = field(default_factory=dict[str, "tuple[Answer, ...]"])
    ids: dict[str, str] = field(default_factory=dict[str, str])
    sent_ids: dict[str, str] = field(default_factory=dict[str, str])
    codes: dict[str, tuple[int, str]] = field(default_factory=dict[str, "tuple[int, str]"])

    def status(self, name: str) -> int:
        """Return the status of a probe's first answer; 0 if it was not sent or not answered."""
        found = self.answers.get(name)
        return found[0].status if found else 0

    def first(self, name: str) -> Answer | None:
        """Return a probe's first answer."""
        found = self.answers.get(name)
        return found[0] if found else None


Judge: TypeAlias = "Callable[[Seen, tuple[Request, ...], tuple[Answer, ...]], Iterator[Fault]]"


@dataclass(frozen=True, slots=True)
class Probe:
    """Requests that belong together.

    Arguments:
        name: what it is, in a few words; the same in each run, since baselines have it.
        kind: what it is for.
        requests: what is sent.
        judge: yields what is wrong besides the general rules.
        how: one after the other, HEAD on a connection that is read to its end, at the same time,
            pipelined on one connection, or read as a stream.
        general: whether the general rules hold for its answers.

    """

    name: str
    kind: Kind
    requests: tuple[Request, ...]
    judge: Judge
    how: Literal["in turn", "alone", "at once", "pipelined", "stream"] = "in turn"
    general: bool = True


def nothing_more(
    _seen: Seen, _requests: tuple[Request, ...], _answers: tuple[Answer, ...]
) -> Iterator[Fault]:
    """Yield nothing: the general rules say it all."""
    yield from ()


def no_server_error(
    seen: Seen, requests: tuple[Request, ...], answers: tuple[Answer, ...]
) -> Iterator[Fault]:
    """Yield a fault where nonsense made a 500, and the known path is none without it."""
    for request, answer in zip(requests, answers, strict=False):
        if answer.status == 500 and (request.method != "GET" or seen.status(KNOWN) != 500):
            yield Fault("client.no-500", "what the client sent made a 500")
