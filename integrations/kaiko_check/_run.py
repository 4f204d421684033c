"""A run: find the document, make the plan, send its requests one by one, and judge the answers.

An interrupt ends it between or within requests; what was found until then is the report.
"""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING, Protocol

from ._clauses import CLAUSES
from ._curl import curl_line
from ._exchange import Limits, Redactor, excerpt
from ._judge import judge_answer, judge_codes
from ._mending import mend
from ._openapi import DOCUMENT_LIMIT, PLACES, document_request, read_document, read_file
from ._plan import make_plan
from ._probe import Options, Seen
from ._probes_bodies import judge_echo
from ._probes_browser import unseen
from ._probes_ids import judge_ids
from ._recognize import FRAMEWORKS, recognize
from ._report import Finding, Report
from ._target import TargetError, answer_at_once

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ._exchange import Answer, Request
    from ._judge import Fault
    from ._openapi import Document
    from ._plan import Plan
    from ._probe import Probe
    from ._target import Target

__all__ = ["Progress", "find_document", "plan_for", "run_check", "run_plan"]


_GENTLE = 20.0  # requests a second


class Progress(Protocol):
    """Who is told how a run goes."""

    def searching(self, places: int) -> None:
        """At most so many requests look for an OpenAPI document."""
        ...

    def planned(self, plan: Plan) -> None:
        """These requests follow."""
        ...

    def answered(self, probe: Probe, sent: int, total: int, breaches: int) -> None:
        """A probe was answered."""
        ...


class _Silent:
    def searching(self, places: int) -> None:
        pass

    def planned(self, plan: Plan) -> None:
        pass

    def answered(self, probe: Probe, sent: int, total: int, breaches: int) -> None:
        pass


def run_check(target: Target, options: Options | None = None) -> Report:
    """Check a target and return the report; an interrupt (Ctrl-C) ends it early.

    Arguments:
        target: what is checked; see `load_target`. It is not closed.
        options: what is asked; by default no more than what is safe and known of every service.

    Raises:
        TargetError: the target cannot be reached, or the document cannot be read.

    """
    options, progress = options or Options(), _Silent()
    plan = plan_for(target, options, progress)
    progress.planned(plan)
    return run_plan(target, options, plan, progress)


def plan_for(target: Target, options: Options, progress: Progress) -> Plan:
    """Find the OpenAPI document, and return the plan. Raises as `run_check`."""
    return make_plan(target, options, find_document(target, options, progress))


def find_document(target: Target, options: Options, progress: Progress) -> Document | None:
    """Return the service's OpenAPI document; None if there is none.

    Arguments:
        target: the service.
        options: say where it is.
        progress: is told how many requests look for it.

    Raises:
        TargetError: the service cannot be reached, or what the user named is no document.

    """
    named = options.openapi
    if named and not named.startswith("/"):
        return read_file(named)
    places = PLACES if named is None else (named,)[: len(named)]
    if places:
        progress.searching(len(places))
    wait = _pace(target, options)
    for place in places:
        wait()
        limits = Limits(options.timeout, DOCUMENT_LIMIT)
        answer = target.send(document_request(place, options.headers), limits)
        if not answer.status:
            raise TargetError(f"{target.name} cannot be reached: {answer.note}")
        if answer.status == 200:
            try:
                return read_document(answer.body)
            except TargetError as exc:
                if named:
                    raise TargetError(f"{named}: {exc}") from exc
        elif named:
            raise TargetError(f"{named} is answered with {answer.status}, not with a document")
    return None


def run_plan(target: Target, options: Options, plan: Plan, progress: Progress) -> Report:
    """Send what the plan says, and return the report; an interrupt ends it early."""
    run = _Run(target, options, plan, progress)
    interrupted = False
    started = time.monotonic()
    notes = list(plan.notes)
    try:
        run.probes(plan.probes)
        run.probes(plan.operations(options))
    except KeyboardInterrupt:
        interrupted = True
    except TargetError as exc:
        notes.append(str(exc))
    notes += unseen(run.seen, options)
    order = {name: number for number, name in enumerate(CLAUSES)}
    return Report(
        target=target.name,
        findings=tuple(sorted(run.found(), key=lambda finding: order[finding.clause.id])),
        planned=dict[str, int](plan.counts.items()),
        sent=run.sent,
        seconds=time.monotonic() - started,
        interrupted=interrupted,
        frameworks=tuple(FRAMEWORKS[name] for name, _ in run.frameworks.most_common()),
        notes=tuple(notes),
        asked=tuple(run.asked),
    )


class _Run:
    """The state of a run."""

    def __init__(self, target: Target, options: Options, plan: Plan, progress: Progress) -> None:
        self._target = target
        self._options = options
        self._progress = progress
        self._total = sum(plan.counts.values())
        self._redact = Redactor(options.headers)
        self.seen = Seen()
        self._wait = _pace(target, options)
        self._faults: list[tuple[Fault, Probe, Request, Answer]] = []
        self._keys: set[tuple[str, str]] = set()
        self._errors = 0
        self.asked: list[tuple[str, str]] = []
        self.sent = 0
        self.frameworks: Counter[str] = Counter()

    def probes(self, probes: Iterable[Probe]) -> None:
        for probe in probes:
            if self.sent + len(probe.requests) > self._total:
                return  # never more than was said
            answers = self._send(probe)
            self.asked.append((probe.kind, probe.name))
            self._judge(probe, answers)
            self._progress.answered(probe, self.sent, self._total, len(self._faults))

    def _send(self, probe: Probe) -> tuple[Answer, ...]:
        limits = Limits(self._options.timeout)
        if probe.how == "stream":
            limits = Limits(self._options.stream_seconds)
        self._wait()
        self.sent += len(probe.requests)
        if probe.how == "alone":
            return tuple(self._target.alone(request, limits) for request in probe.requests)
        if probe.how == "at once":
            return tuple(answer_at_once(self._target.send, probe.requests, limits))
        if probe.how == "pipelined":
            return tuple(self._target.pipeline(probe.requests, limits) or ())
        return tuple(self._target.send(request, limits) for request in probe.requests)

    def _judge(self, probe: Probe, answers: tuple[Answer, ...]) -> None:
        self.seen.answers[probe.name] = answers
        for request, answer in zip(probe.requests, answers, strict=False):
            if answer.end == "unsent":
                continue
            if probe.general:
                for fault in judge_answer(request, answer, self._options.id_header):
                    self._add(fault, probe, request, answer)
            for fault in (
                *judge_ids(self.seen, probe, request, answer, self._options),
                *judge_echo(request, answer),
                *judge_codes(self.seen.codes, probe.name, answer),
            ):
                self._add(fault, probe, request, answer)
            if answer.status >= 400:
                self._count(answer)
        if answers:
            for fault in probe.judge(self.seen, probe.requests, answers):
                self._add(fault, probe, probe.requests[0], answers[0])

    def _count(self, answer: Answer) -> None:
        self._errors += 1
        framework = _framework(recognize(answer), self._target.framework)
        if framework is not None:
            self.frameworks[framework] += 1

    def _add(self, fault: Fault, probe: Probe, request: Request, answer: Answer) -> None:
        key = fault.clause, probe.name
        if key not in self._keys:
            self._keys.add(key)
            self._faults.append((fault, probe, request, answer))

    def found(self) -> list[Finding]:
        """Return the findings; who answered is known best at the end."""
        usual = self._target.framework
        if usual is None and self.frameworks:
            name, times = self.frameworks.most_common(1)[0]
            usual = name if times * 2 >= self._errors else None
        findings: list[Finding] = []
        lines: dict[int, str] = {}  # a request of megabytes may have many faults
        debug = {id(each[3]) for each in self._faults if each[0].clause == _DEBUG_PAGE}
        for fault, probe, request, answer in self._faults:
            if id(request) not in lines:
                lines[id(request)] = curl_line(request, self._target.base, self._redact)
            framework = _framework(recognize(answer), usual)
            findings.append(
                Finding(
                    clause=CLAUSES[fault.clause],
                    probe=probe.name,
                    message=self._redact(fault.message),
                    request=self._redact(f"{request.method} {request.target[:300]}"),
                    curl=lines[id(request)],
                    answer=excerpt(answer, self._redact),
                    framework=None if framework is None else FRAMEWORKS[framework],
                    mend=mend(_DEBUG_PAGE if id(answer) in debug else fault.clause, framework),
                )
            )
        return findings


_DEBUG_PAGE = "leak.debug"
"""The one thing to mend on a debug page, whatever else it breaks."""

# What an answer looks like, where the service is known to be something more special.
_MORE_SPECIAL = {
    ("starlette", "fastapi"): "fastapi",
    ("starlette", "litestar"): "litestar",
    ("fastapi", "django"): "drf",
    ("starlette", "django"): "django",
    ("starlette", "flask"): "flask",
}


def _framework(recognized: str | None, usual: str | None) -> str | None:
    if recognized is None:
        return usual
    return _MORE_SPECIAL.get((recognized, usual or ""), recognized)


def _pace(target: Target, options: Options) -> Callable[[], None]:
    """Return a function that waits so that its calls come at the rate at most."""
    rate = options.rate
    if rate is None:
        rate = 0.0 if target.in_process else _GENTLE
    gap = 1 / rate if rate > 0 else 0.0
    due = 0.0

    def wait() -> None:
        nonlocal due
        now = time.monotonic()
        if now < due:
            time.sleep(due - now)
        due = max(now, due) + gap

    return wait
