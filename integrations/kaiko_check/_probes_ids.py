"""The probes of request ids: inbound ones, concurrent requests, and pipelined ones."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ._judge import Fault, error_of
from ._probe import UNKNOWN, Probe, nothing_more

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ._exchange import Answer, Request
    from ._probe import Judge, Options, Seen
    from ._probes import Places

__all__ = ["HOSTILE_IDS", "ids_of", "judge_ids", "probe_at_once", "probe_ids"]

_GENERATED = re.compile(r"req-[0-9a-f]{10,32}")
_GOOD = "kaiko-check.inbound:1"
_KEY = "kaiko_test_KaikoCheckInbound0001"
HOSTILE_IDS: dict[str, str] = {
    "with markup": "<script>alert(1)</script>",
    "with blanks": "kaiko check inbound",
    "that is too long": "kaiko-check-" + "a" * 200,
    "that is not ASCII": "kaiko-check-\xe9\xff",
    "that forges a log line": "kaiko-check-1 level=ERROR msg=forged",
    "with a comma": "kaiko-check-2,kaiko-check-3",
}
"""Inbound ids that no service may take, and why."""


def probe_ids(places: Places, options: Options) -> Iterator[Probe]:
    """Yield the probes of inbound ids."""
    header = options.id_header
    known, unknown = places.known, places.unknown

    def one(name: str, target: str, judge: Judge, *values: str) -> Probe:
        request = places.get(target, *((header, value) for value in values))
        return Probe(name, "ids", (request,), judge)

    good = _good(header, trusts=options.trusts_ids)
    yield one("a good inbound id", unknown, good, _GOOD)
    yield one("a good inbound id, on a success", known, good, _GOOD)
    for name, value in HOSTILE_IDS.items():
        yield one(f"an inbound id {name}", unknown, _bad(header, "id.hostile", value), value)
    yield one("an inbound id like a key", unknown, _bad(header, "id.key", _KEY), _KEY)
    two = ("kaiko-check-first", "kaiko-check-second")
    yield one("two inbound ids", unknown, _bad(header, "id.twice", *two), *two)
    yield one("no inbound id afterwards", unknown, nothing_more)


def _good(header: str, *, trusts: bool) -> Judge:
    def judge(
        _seen: Seen, _requests: tuple[Request, ...], answers: tuple[Answer, ...]
    ) -> Iterator[Fault]:
        for answer in answers:
            taken = _GOOD in ids_of(answer, header)
            if taken and not trusts:
                yield Fault("id.ignored", "the id that the client sent came back")
            elif trusts and not taken and answer.status:
                yield Fault("id.trusted", "the id that the gateway sent was not taken")

    return judge


def _bad(header: str, clause: str, *sent: str) -> Judge:
    def judge(
        seen: Seen, _requests: tuple[Request, ...], answers: tuple[Answer, ...]
    ) -> Iterator[Fault]:
        for answer in answers:
            said = ",".join(ids_of(answer, header))
            if any(value in said for value in sent):
                yield Fault(clause, "the id that the client sent came back")
            usual = seen.status(UNKNOWN)
            if usual and answer.status and answer.status != usual:
                yield Fault("id.refused", f"with it the status is {answer.status}, not {usual}")

    return judge


def probe_at_once(places: Places, options: Options, *, pipelined: bool) -> Iterator[Probe]:
    """Yield the probe of concurrent requests, and that of pipelined ones where there is a wire."""
    header = options.id_header

    def own(clause: str) -> Judge:
        def judge(
            _seen: Seen, _requests: tuple[Request, ...], answers: tuple[Answer, ...]
        ) -> Iterator[Fault]:
            found = [ids[0] for answer in answers if (ids := answer.values(header))]
            again = sorted({value for value in found if found.count(value) > 1})
            if again:
                yield Fault(clause, f"{again[0]!a} came with {found.count(again[0])} answers")

        return judge

    sent = (places.get(places.unknown),) * options.at_once
    yield Probe("concurrent requests", "concurrent", sent, own("id.concurrent"), "at once")
    if pipelined:
        sent = (places.get(places.unknown),) * 3
        yield Probe("pipelined requests", "concurrent", sent, own("id.pipelined"), "pipelined")


def ids_of(answer: Answer, header: str) -> list[str]:
    """Return the ids of an answer: of its headers, and of its body."""
    in_body = error_of(answer.body).get("request_id")
    return [*answer.values(header), *([in_body] if isinstance(in_body, str) else [])]


def judge_ids(
    seen: Seen, probe: Probe, request: Request, answer: Answer, options: Options
) -> Iterator[Fault]:
    """Yield what is wrong with an answer's id in view of earlier ones, and remember it.

    The answers of a probe that sends ids, or several requests at once, are judged by the probe.
    """
    header = options.id_header
    for sent in request.values(header):
        seen.sent_ids[sent] = probe.name
    found = answer.values(header)
    if len(found) != 1:
        return
    value = found[0]
    if value in request.values(header) or probe.how in {"at once", "pipelined"}:
        return
    if value in seen.sent_ids:
        yield Fault("id.stays", f"{value!a} was sent with another request: {seen.sent_ids[value]}")
    elif value in seen.ids:
        yield Fault("id.unique", f"{value!a} came before: {seen.ids[value]}")
    elif not request.values(header) and not _GENERATED.fullmatch(value):
        yield Fault("id.form", f"the id is {value[:140]!a}")
    seen.ids[value] = probe.name
