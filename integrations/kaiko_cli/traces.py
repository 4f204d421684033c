"""Whether ids reached the called services, read from the logs after the services ended.

An error from a called service must be in the log of the stack that answered it, as the contract's
record. The same id must be in the log of the called service, once for each expected call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from kaiko_cli.compare import Verdict

__all__ = ["Traces", "read_traces"]


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
