"""The probes of event streams and JSON lines, which the user names."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from kaiko_middleware.conformance import check_event_stream, check_json_lines
from kaiko_middleware.json_values import is_json_object

from ._judge import Fault, judge_answer
from ._probe import Probe

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kaiko_middleware.conformance import Violation

    from ._exchange import Answer, Request
    from ._probe import Judge, Options, Seen
    from ._probes import Places

__all__ = ["probe_streams"]

_END = re.compile(rb"\r\n\r\n|\n\n|\r\r")
_LINES = frozenset({"application/x-ndjson", "application/jsonl", "application/x-jsonl"})


def probe_streams(places: Places, options: Options) -> Iterator[Probe]:
    """Yield a probe for each stream that the user named."""
    accept = ("Accept", "text/event-stream, application/x-ndjson, application/jsonl, */*;q=0.1")
    for named in options.streams:
        method, _, path = named.rpartition(" ")
        request = places.get(path, accept, method=method or "GET")
        judge = _stream(options.id_header)
        yield Probe(f"stream {named}", "streams", (request,), judge, "stream", general=False)


def _stream(id_header: str) -> Judge:
    def judge(
        _seen: Seen, requests: tuple[Request, ...], answers: tuple[Answer, ...]
    ) -> Iterator[Fault]:
        for request, answer in zip(requests, answers, strict=True):
            if not 200 <= answer.status < 400:
                yield from judge_answer(request, answer, id_header)
                continue
            ids = answer.values(id_header)
            if len(ids) != 1:
                many = f"{id_header} comes {len(ids)} times" if ids else f"there is no {id_header}"
                yield Fault("stream.id", many)
            kind = answer.value("content-type").partition(";")[0].strip().lower()
            if kind == "text/event-stream":
                yield from _events(answer, ids)
            elif kind in _LINES:
                yield from _lines(answer, ids)

    return judge


def _events(answer: Answer, ids: list[str]) -> Iterator[Fault]:
    yield from _cut(answer)
    events = _END.split(answer.body)
    errors = [number for number, event in enumerate(events) if _is_error(event)]
    if not errors:
        if answer.end == "whole" and answer.body and events[-1].strip():
            yield Fault("stream.ended", "the last event is not ended by an empty line")
        return
    place = errors[0]
    if any(event.strip() for event in events[place + 1 :]):
        yield Fault("stream.last", "events come after the error")
    ended = b"\n\n" if place < len(events) - 1 else b""
    last = events[place].lstrip(b"\r\n") + ended
    yield from _frame(check_event_stream(last, request_id=_one(ids)))


def _lines(answer: Answer, ids: list[str]) -> Iterator[Fault]:
    yield from _cut(answer)
    lines = answer.body.split(b"\n")
    if answer.end == "whole" and lines[-1]:
        yield Fault("stream.ended", "the last line is not ended")
    errors = [number for number, line in enumerate(lines) if _is_error_line(line)]
    if errors:
        if any(line.strip() for line in lines[errors[0] + 1 :]):
            yield Fault("stream.last", "lines come after the error")
        yield from _frame(check_json_lines(lines[errors[0]] + b"\n", request_id=_one(ids)))


def _one(ids: list[str]) -> str | None:
    return ids[0] if len(ids) == 1 else None


def _cut(answer: Answer) -> Iterator[Fault]:
    if answer.end == "cut":
        yield Fault("stream.cut", f"it was cut after {len(answer.body)} bytes: {answer.note}")


def _is_error(event: bytes) -> bool:
    return re.search(rb"^event:\s?error\s*$", event, re.MULTILINE) is not None


def _is_error_line(line: bytes) -> bool:
    try:
        value: object = json.loads(line)
    except (ValueError, RecursionError):
        return False
    return is_json_object(value) and list(value) == ["error"]


def _frame(violations: list[Violation]) -> Iterator[Fault]:
    for violation in violations:
        rule, _, message = violation
        if rule == "same-id":
            yield Fault("stream.same-id", message)
        elif rule in {"event-ended", "line-ended"}:
            yield Fault("stream.ended", message)
        else:
            yield Fault("stream.envelope", message)
