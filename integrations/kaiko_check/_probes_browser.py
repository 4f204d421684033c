"""The probes of what is between a service and its clients: browsers, and compression."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._exchange import Request
from ._judge import Fault
from ._probe import KNOWN, Probe, nothing_more

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ._exchange import Answer
    from ._probe import Options, Seen
    from ._probes import Places

__all__ = ["probe_compression", "probe_cors", "unseen"]

_ALLOWED = "access-control-allow-origin"
_SUCCESS = "the known path from a browser"


def probe_cors(places: Places, options: Options) -> Iterator[Probe]:
    """Yield the probes of what a script of another site sees."""
    origin = ("Origin", options.origin)
    known, unknown = places.known, places.unknown
    yield Probe(_SUCCESS, "cors", (places.get(known, origin),), nothing_more)
    yield Probe(
        "the unknown path from a browser", "cors", (places.get(unknown, origin),), _on_errors
    )
    bare = places.get(known, origin).without(options.key_header)
    yield Probe("no key from a browser", "cors", (bare,), _on_errors)
    # A preflight never has a key. It asks to send one only if the service takes keys: one that
    # takes none need not allow the header.
    keyed = any(name.lower() == options.key_header.lower() for name, _ in options.headers)
    asked = f"content-type, {options.key_header.lower()}" if keyed else "content-type"
    preflight = Request(
        "OPTIONS",
        known,
        (
            origin,
            ("Access-Control-Request-Method", "GET"),
            ("Access-Control-Request-Headers", asked),
            ("Accept-Encoding", "identity"),
        ),
    )
    yield Probe("preflight", "cors", (preflight,), _preflight)


def probe_compression(places: Places) -> Iterator[Probe]:
    """Yield the probes of compressed answers."""
    asked = ("Accept-Encoding", "gzip, deflate, br, zstd")
    for name, target in (("the unknown path", places.unknown), ("the known path", places.known)):
        request = places.get(target, asked)
        yield Probe(f"{name}, compressed", "compression", (request,), nothing_more)


def _on_errors(
    seen: Seen, _requests: tuple[Request, ...], answers: tuple[Answer, ...]
) -> Iterator[Fault]:
    success = seen.first(_SUCCESS)
    if success is None or not 200 <= success.status < 400 or not success.values(_ALLOWED):
        return
    for answer in answers:
        if answer.status < 400:
            continue
        if not answer.values(_ALLOWED):
            said = f"a success has Access-Control-Allow-Origin, this {answer.status} has none"
            yield Fault("cors.on-errors", said)
        elif _varies(success) and not _varies(answer) and answer.value(_ALLOWED) != "*":
            yield Fault("cors.vary", "a success has Vary: Origin, this error has not")


def _varies(answer: Answer) -> bool:
    return "origin" in ",".join(answer.values("vary")).lower()


def _preflight(
    seen: Seen, _requests: tuple[Request, ...], answers: tuple[Answer, ...]
) -> Iterator[Fault]:
    success = seen.first(_SUCCESS)
    for answer in answers:
        # Without CORS a service is not for browsers, and may answer what it likes.
        if success is not None and success.values(_ALLOWED) and answer.status >= 400:
            yield Fault("cors.preflight", f"a preflight is {answer.status}")


def unseen(seen: Seen, options: Options) -> Iterator[str]:
    """Yield what was not checked, since no answer was a success that the others compare with."""
    status = seen.status(KNOWN)
    if status >= 400:
        yield (
            f"The known path is answered with {status}, so no success was checked: name another "
            "with --path, or a key with --header."
        )
        return
    success = seen.first(_SUCCESS)
    if success is not None and success.status and not success.values(_ALLOWED):
        yield (
            f"CORS was not checked, since {options.origin} is not allowed: if browsers call the "
            "service, name their site with --origin."
        )
