"""What the logs of the demo say about an id: did it reach the called services, and what happened.

An error from a called service must be in the log of the stack that answered it, as the contract's
record. The same id must be in the log of the called service, once for each expected call.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from kaiko_cli.compare import Verdict

__all__ = ["Record", "Traces", "read_records", "read_traces"]

# A line as `kaiko_demo.serve` writes it.
_RECORD = re.compile(
    r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}) ([A-Z]+) (\S+) \[([^\]]*)\] (.*)", re.ASCII
)
# The start of a line that uvicorn writes.
_FOREIGN = re.compile(r"(DEBUG|INFO|WARNING|ERROR|CRITICAL): ", re.ASCII)
_MORE = 60


class Traces(NamedTuple):
    """What was found in the logs.

    `errors` is the number of errors from called services. `lost` has a sentence for each id that is
    missing in a log.
    """

    errors: int
    lost: list[str]


def read_traces(verdicts: Iterable[Verdict], logs: Path) -> Traces:
    """Look up each answer that needed a called service.

    Arguments:
        verdicts: the answers.
        logs: the folder of the logs.

    """
    said = {path.stem: path.read_text(errors="replace") for path in logs.glob("*.log")}
    errors, lost = 0, list[str]()
    for verdict in verdicts:
        behind = verdict.cause.behind
        if behind is None:
            continue
        for stack, shown in verdict.shown.items():
            recorded = said.get(stack, "").count(f" kaiko [{shown.id}] ")
            asked = said.get(behind.name, "").count(f" kaiko_demo.asked [{shown.id}] ")
            errors += bool(shown.code)
            if shown.code and not recorded:
                lost.append(f"{verdict.cause.name}: {shown.id} is not in the log of {stack}")
            if asked != behind.attempts:
                lost.append(
                    f"{verdict.cause.name}: {shown.id} is {asked} times in the log of "
                    f"{behind.name} for {stack}, not {behind.attempts} times"
                )
    return Traces(errors, lost)


class Record(NamedTuple):
    """A log record of one request: when, in which service's log, and what it says.

    `more` has the lines after the first one, such as a traceback.
    """

    at: str
    service: str
    level: str
    logger: str
    message: str
    more: list[str]


def read_records(request_id: str, logs: Path) -> list[Record]:
    """Return the records of one request from the logs of all services, by time.

    Lines of other programs are left out, unless they follow a record of this request.

    Arguments:
        request_id: the request's id.
        logs: the folder of the logs.

    """
    found: list[Record] = []
    for path in sorted(logs.glob("*.log")):
        with path.open(encoding="utf-8", errors="replace") as lines:
            current: Record | None = None
            for line in lines:
                parts = _RECORD.fullmatch(line.rstrip("\r\n"))
                if parts is None:
                    if _FOREIGN.match(line):
                        current = None
                    elif current is not None and len(current.more) < _MORE:
                        current.more.append(line.rstrip("\r\n"))
                    continue
                at, level, logger, said, message = parts.groups()
                current = None
                if said == request_id:
                    current = Record(at, path.stem, level, logger, message, [])
                    found.append(current)
    return sorted(found, key=lambda record: record.at)
