"""Which declared errors no test ever saw."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kaiko_middleware.catalog import TOOLKIT_STATUSES, known_codes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ._watch import Watch

__all__ = ["Tally", "tally_of", "told"]

Code = tuple[int, str]
At = tuple[str, str, str, int, str]
"""The document's title, the method, the path, the status and the code."""


class Tally:
    """What is declared, and what was seen: in the catalogue, and at each operation."""

    def __init__(self) -> None:
        self.declared: set[Code] = set()
        self.seen: set[Code] = set()
        self.declared_at: set[At] = set()
        self.seen_at: set[At] = set()
        self.notes: set[str] = set()

    def add(self, other: Tally) -> None:
        """Add what another process saw."""
        for name, value in vars(other).items():
            vars(self)[name] |= value

    def as_json(self) -> dict[str, list[Any]]:
        """Return it as execnet can send it."""
        return {name: sorted(value) for name, value in vars(self).items()}

    @classmethod
    def from_json(cls, sent: dict[str, list[Any]]) -> Tally:
        """Return what a worker sent."""
        tally = cls()
        for name, values in sent.items():
            vars(tally)[name] |= {each if isinstance(each, str) else tuple(each) for each in values}
        return tally


def tally_of(watch: Watch) -> Tally:
    """Return what this process declares and saw: the service's own codes alone."""
    tally = Tally()
    tally.declared = {
        (entry.status, entry.code)
        for entry in known_codes()
        if entry.status not in TOOLKIT_STATUSES.get(entry.code, ())
    }
    tally.seen = set(watch.seen)
    for operation in watch.documents.operations():
        at = operation.title, operation.method, operation.path
        tally.declared_at |= {
            (*at, int(key), code)
            for key, codes in operation.codes.items()
            if key.isdecimal()
            for code in codes
        }
    tally.seen_at = {(*at, status, code) for at, status, code in watch.seen_at}
    tally.notes = set(watch.documents.failed)
    return tally


def told(tally: Tally, lost: list[str]) -> Iterator[str]:
    """Return the lines of the report.

    Arguments:
        tally: of all processes.
        lost: the workers that sent nothing.

    """
    yield from _catalogue(tally)
    yield from _operations(tally)
    for note in sorted(tally.notes):
        yield f"An OpenAPI document could not be made: {note}"
    for worker in lost:
        yield f"What this worker saw is missing: {worker}"


def _catalogue(tally: Tally) -> Iterator[str]:
    unseen = sorted(tally.declared - tally.seen)
    if not tally.declared:
        yield "Catalogue: the service has no codes of its own."
        return
    yield f"Catalogue: {len(unseen)} of {len(tally.declared)} codes."
    for status, code in unseen:
        yield f"  {status} {code}"


def _operations(tally: Tally) -> Iterator[str]:
    if not tally.declared_at:
        return
    unseen = sorted(at for at in tally.declared_at if not _was_seen(at, tally))
    yield f"OpenAPI: {len(unseen)} of {len(tally.declared_at)} answers."
    last: tuple[str, ...] = ()
    for title, method, path, status, code in unseen:
        if last != (title, method, path):
            last = title, method, path
            yield f"  {method} {path}" + (f"  ({title})" if title else "")
        yield f"    {status} {code}"


def _was_seen(at: At, tally: Tally) -> bool:
    if at in tally.seen_at:
        return True
    *where, status, code = at
    # The example of a bad value names one field; the code of another field's is as good.
    return (
        status in {400, 422}
        and code.startswith("invalid_")
        and (status, code) not in tally.declared
        and any(
            [*where, status] == list(seen[:-1]) and seen[-1].startswith("invalid_")
            for seen in tally.seen_at
        )
    )
