"""The plan: every probe, and how many requests of which kind they are, before the first is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from kaiko_middleware.extras import is_missing

from ._operations import INSTALL, operation_probes
from ._probe import KINDS
from ._probes import Places, probe_headers, probe_keys, probe_methods, probe_paths
from ._probes_bodies import probe_bodies
from ._probes_browser import probe_compression, probe_cors
from ._probes_fields import probe_fields
from ._probes_ids import probe_at_once, probe_ids
from ._streams import probe_streams
from ._target import TargetError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ._openapi import Document
    from ._probe import Kind, Options, Probe
    from ._target import Target

__all__ = ["SAFE_METHODS", "Plan", "make_plan", "split_path"]

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class Plan(NamedTuple):
    """What will be sent.

    Arguments:
        counts: requests by kind; no more are sent.
        probes: the probes of the service as a whole.
        places: the paths.
        document: the OpenAPI document whose operations follow.
        prefix: what is put before the document's paths.
        notes: what is left out, and why.

    """

    counts: dict[Kind, int]
    probes: tuple[Probe, ...]
    places: Places
    document: Document | None
    prefix: str
    notes: tuple[str, ...]

    def operations(self, options: Options) -> Iterator[Probe]:
        """Yield the probes of the document's operations; they are made one by one."""
        if self.counts.get("operations") and self.document is not None:
            yield from operation_probes(
                self.places,
                self.document,
                self.prefix,
                unsafe=options.unsafe,
                cases=options.cases,
            )


def make_plan(target: Target, options: Options, document: Document | None) -> Plan:
    """Return the plan for a target.

    Arguments:
        target: what is checked.
        options: what is asked.
        document: the OpenAPI document, if there is one.

    Raises:
        TargetError: a stream needs an unsafe method, which is not allowed.

    """
    for named in options.streams:
        method, _ = split_path(named)
        if method not in SAFE_METHODS and not options.unsafe:
            raise TargetError(f"The stream {named} takes {method}, which needs --unsafe")
    prefix = "" if document is None else document.prefix(target.base)
    places = _places(options, document, prefix)
    probes = [
        *probe_paths(places),
        *probe_methods(places, unsafe=options.unsafe),
        *probe_headers(places),
        *probe_ids(places, options),
        *probe_keys(places, options),
        *probe_cors(places, options),
        *probe_compression(places),
        *probe_at_once(places, options, pipelined=not target.in_process),
        *(probe_bodies(places, options) if options.unsafe else ()),
        *(
            probe_fields(places, document, prefix, unsafe=options.unsafe)
            if document is not None
            else ()
        ),
        *probe_streams(places, options),
    ]
    kept = tuple(probe for probe in probes if probe.kind not in options.skip)
    counts: dict[Kind, int] = {}
    for probe in kept:
        counts[probe.kind] = counts.get(probe.kind, 0) + len(probe.requests)
    notes = list(_notes(options, places, document))
    if document is not None and "operations" not in options.skip:
        operations = document.operations(unsafe=options.unsafe)
        if is_missing("schemathesis"):
            notes.append(INSTALL)
        elif operations:
            counts["operations"] = len(operations) * options.cases
    ordered: dict[Kind, int] = {kind: counts[kind] for kind in KINDS if kind in counts}
    return Plan(ordered, kept, places, document, prefix, tuple(notes))


def split_path(named: str) -> tuple[str, str]:
    """Return the method and the path of `/path` or `METHOD /path`."""
    method, _, path = named.rpartition(" ")
    return method.strip().upper() or "GET", path


def _places(options: Options, document: Document | None, prefix: str) -> Places:
    named = [split_path(each) for each in options.paths]
    known = next((path for method, path in named if method == "GET"), None)
    posted = next((path for method, path in named if method == "POST"), None)
    if document is not None:
        if known is None and (found := document.first("GET")) is not None:
            known = prefix + found
        if posted is None and (found := document.first("POST")) is not None:
            posted = prefix + found
    return Places(options, known or "/", posted)


def _notes(options: Options, places: Places, document: Document | None) -> Iterator[str]:
    if not options.unsafe:
        yield "POST, PUT, PATCH and DELETE are not sent, nor bad bodies: --unsafe sends them."
    elif places.posted is None and "bodies" not in options.skip:
        yield "No path that takes a body is known: name one with --path 'POST /path'."
    if document is None and options.openapi is None:
        yield "No OpenAPI document was found: name it with --openapi."
    if not options.streams:
        yield "No event stream was named: --stream PATH."
