"""What came of a program, and what the contract says of that."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fuzz.programs import KEY, SECRET
from fuzz.raising import MAPPED, UNMAPPED, is_typed, kind_of
from kaiko_middleware import current_request_id
from kaiko_middleware.conformance import check_answer, check_event_stream, check_json_lines

if TYPE_CHECKING:
    from collections.abc import Generator

    from fuzz.programs import Program

Fields = list[tuple[str, str]]
_LINES = ("application/x-ndjson", "application/jsonl")


@dataclass
class Outcome:
    """What a strict server saw of one exchange."""

    status: int | None = None
    headers: Fields = field(default_factory=list)
    body: bytes = b""
    ended: bool = False
    refused: list[str] = field(default_factory=list)
    """What the server refused: each breaks the protocol."""
    refused_after_head: bool = False
    raised: BaseException | None = None
    gone: bool = False
    """Whether the client left before the end."""
    early_head: bool = False
    """WSGI: whether the head was there when the application's call returned."""
    refused_socket: bool = False
    """Whether a socket was closed before it was accepted."""
    hung: bool = False
    records: list[logging.LogRecord] = field(default_factory=list)

    def values(self, name: str) -> list[str]:
        """Return the values of a header."""
        return [value for key, value in self.headers if key.lower() == name]

    @property
    def length_known(self) -> bool:
        """Whether the head says how long the body is."""
        return bool(self.values("content-length"))

    @property
    def streams(self) -> bool:
        """Whether an error can be told at the end of the body."""
        kind = "".join(self.values("content-type")).partition(";")[0]
        return (
            kind in ("text/event-stream", *_LINES)
            and not self.length_known
            and not self.values("content-encoding")
        )


class Collector(logging.Handler):
    """Keeps the records of the toolkit, and has each one formatted."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.records: list[logging.LogRecord] = []
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Take a record."""
        self.records.append(record)
        self.texts.append(logging.Formatter().format(record))
        self.texts.append(repr({k: v for k, v in vars(record).items() if k != "exc_info"}))


def collecting() -> Generator[Collector]:
    """Collect what the toolkit logs."""
    collector = Collector()
    logger = logging.getLogger("kaiko")
    before = logger.level, logger.propagate
    logger.addHandler(collector)
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    try:
        yield collector
    finally:
        logger.removeHandler(collector)
        logger.setLevel(before[0])
        logger.propagate = before[1]


def judge(program: Program, bare: Outcome, ours: Outcome, texts: list[str]) -> list[str]:
    """Return what of an exchange breaks a promise; `bare` is what came without the toolkit."""
    faults = [*_about_logs(texts), *_about_wire(program, bare, ours)]
    if current_request_id() is not None:
        faults.append("the request id is still current")
    if ours.hung and not bare.hung:
        faults.append("hung")
    if ours.gone or bare.gone:
        return faults
    faults += _about_exceptions(program, bare, ours)
    if program["kind"] == "wsgi" and ours.refused_after_head:
        return faults  # the server's own loop: no middleware sees it
    return [*faults, *_about_records(program, bare, ours)]


def _about_logs(texts: list[str]) -> list[str]:
    faults = [f"a key is in the log: {text[:400]!r}" for text in texts if KEY in text]
    return faults[:1]


def _about_wire(program: Program, bare: Outcome, ours: Outcome) -> list[str]:
    faults: list[str] = []
    if ours.refused and not _may_be_refused(program, bare, ours):
        faults.append(f"the server refused {ours.refused[0]!r}")
    if ours.status is None:
        if not ours.gone and not ours.ended and not ours.refused and ours.raised is None:
            faults.append("no answer")
        return faults
    if ours.status >= 200 and len(ours.values("x-request-id")) != 1:
        faults.append(f"{len(ours.values('x-request-id'))} request ids")
    whole = bare.ended and not bare.refused and bare.raised is None
    status = bare.status or 0
    if whole and 100 <= status < 400:
        faults += _about_a_success(program, bare, ours)
    elif ours.status >= 400 and ours.ended and program["config"].get("rewrite_answers", True):
        faults += _about_an_error(program, ours)
    # A head that is held can be replaced where no server would take a second one.
    second = _starts_twice(program)
    if ours.status < 400 and ours.ended and not bare.ended and not second:
        faults += _about_a_last_event(program, bare, ours)
    raised = kind_of(bare.raised)
    if SECRET.encode() in ours.body and (raised is not None or status >= 500):
        # Another protocol's error is left as it is.
        kept = any("protocol" in vars(record) for record in ours.records)
        # Without the toolkit the client may have left before the end of the same body.
        told = SECRET.encode() in bare.body or bare.gone
        told = told and (status < 500 or kept or second)
        replaced = second and (ours.status or 0) < 500  # by a head under which it may be told
        if not told and not replaced and program["config"].get("rewrite_answers", True):
            faults.append("inner text is on the wire")
    return faults


def _was_held(program: Program, bare: Outcome) -> bool:
    """Whether a server refused a head that the toolkit holds until its body comes."""
    return program["kind"] == "wsgi" and bool(bare.refused) and bare.status is None


def _may_be_refused(program: Program, bare: Outcome, ours: Outcome) -> bool:
    if bare.refused_after_head or _starts_twice(program):
        return True
    # What only a server can judge: the application's own mistake, then answered.
    same = ours.refused[0] in bare.refused
    return (
        "event" in ours.refused[0]
        or "bytearray" in ours.refused[0]
        or (same and (program["kind"] == "websocket" or ours.ended))
    )


def _about_a_success(program: Program, bare: Outcome, ours: Outcome) -> list[str]:
    faults: list[str] = []
    if (ours.status, ours.body, ours.ended) != (bare.status, bare.body, True):
        faults.append(
            f"a success was changed: {ours.status} {ours.body[:200]!r}, ended {ours.ended}"
        )
    kept = [pair for pair in bare.headers if pair[0].lower() != "x-request-id"]
    got = [pair for pair in ours.headers if pair[0].lower() != "x-request-id"]
    if kept != got:
        faults.append(f"header fields were changed: {kept} {got}")
    if ours.raised is not None and not _starts_twice(program):
        faults.append(f"raised {ours.raised!r:.200}")
    if bare.early_head and not ours.early_head:
        faults.append("the head came after the call")
    return faults


def _about_an_error(program: Program, ours: Outcome) -> list[str]:
    broken = check_answer(
        ours.status or 0,
        ours.headers,
        ours.body,
        method=program["method"],
        request_headers=program["headers"],
    )
    return [f"{each.rule}: {each}" for each in broken]


def _about_a_last_event(program: Program, bare: Outcome, ours: Outcome) -> list[str]:
    if program["method"] == "HEAD" or (ours.status or 0) in (204, 304):
        return []
    if not ours.streams:
        return [] if _is_all_there(bare) else ["a cut answer ends as if it were whole"]
    request_id = ours.values("x-request-id")[0]
    kind = "".join(ours.values("content-type"))
    check = check_event_stream if kind.startswith("text/event-stream") else check_json_lines
    added = ours.body[len(bare.body) :]
    if not ours.body.startswith(bare.body) or b'"error"' not in added:
        return [f"no last event in {ours.body[-300:]!r}"]
    if request_id.encode() not in added:
        return [f"the last event has another id: {added!r}"]
    last = added.strip().splitlines()[-1]
    broken = check(
        b"event: error\n" + last + b"\n\n" if check is check_event_stream else last + b"\n"
    )
    return [str(each) for each in broken]


def _about_exceptions(program: Program, bare: Outcome, ours: Outcome) -> list[str]:
    raised = kind_of(bare.raised)
    if raised is None:
        return []
    got = kind_of(ours.raised)
    reraise = program["config"].get("reraise", True)
    if raised in UNMAPPED and reraise and got != raised:
        # On WSGI an exception would cut the stream whose last event tells of it, and the rest
        # of a body that is replaced is not asked for.
        wsgi = program["kind"] == "wsgi"
        if not wsgi or not (ours.streams or (ours.status or 0) >= 400):
            return [f"{raised} became {ours.raised!r:.100}"]
    first = bare.status is None and not bare.ended and not bare.refused
    if raised in MAPPED and first and is_typed(ours.raised):
        return [f"{raised} was raised: {ours.raised!r:.100}"]
    unasked = program["kind"] == "wsgi" and (ours.status or 0) >= 400  # the rest of a body
    if raised in ("cancelled", "exit") and got != raised and not unasked:
        return [f"{raised} became {ours.raised!r:.100}"]
    return []


def _starts_twice(program: Program) -> bool:
    ops = [op for name in ("ops", "call", "later") for op in program.get(name, ())]
    return len([op for op in ops if op[0] in ("start", "odd_start")]) > 1


def _is_bare_head(program: Program, bare: Outcome) -> bool:
    """Whether it is an answer to HEAD that lacks nothing but its end."""
    alone = not program["config"].get("rewrite_answers", True)
    if bare.status is None:
        return False
    bodiless = program["method"] == "HEAD" or bare.status in (204, 304)
    return bodiless and (alone or 200 <= bare.status < 400)


def _is_all_there(bare: Outcome) -> bool:
    """Whether all octets that the head spoke of were sent, though nothing ended the body."""
    return bare.values("content-length") == [str(len(bare.body))]


def _about_records(program: Program, bare: Outcome, ours: Outcome) -> list[str]:
    told = [record for record in ours.records if record.levelno >= logging.INFO]
    failed = (
        bare.raised is not None
        or bare.refused
        or not (bare.ended or _is_bare_head(program, bare) or _is_all_there(bare))
        or (bare.status or 0) >= 400
        or (bare.refused_socket and program["deniable"])
    )
    lines = [record.getMessage()[:160] for record in told]
    notes = [line for line in lines if "replaced" in line or "dropped" in line]
    count = len(told) - len(notes)
    if not failed and count:
        return [f"a success is in the log: {lines}"]
    stopped = kind_of(bare.raised) in ("cancelled", "reset", "exit")
    whole = bare.ended or _is_bare_head(program, bare)
    alone = not program["config"].get("rewrite_answers", True) and whole
    stopped = stopped or program.get("close") == "raise"  # which the server reports
    # The application caught what was refused, and its answer is whole.
    ended = bare.ended or bare.refused_after_head or _is_bare_head(program, bare)
    stopped = stopped or (bool(bare.refused) and ended and bare.raised is None)
    if (
        failed
        and not count
        and not stopped
        and not (alone and bare.raised is None)
        and not _starts_twice(program)
    ):
        return ["a failure is not in the log"]
    # What fails after an error answer is another failure.
    twice = bare.refused or (
        bare.raised is not None
        and ((bare.status or 0) >= 400 or ours.status == 500 or bare.refused_socket)
    )
    if count > 1 + bool(twice):
        return [f"{count} records: {lines}"]
    return []
