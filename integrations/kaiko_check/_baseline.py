"""The baseline: the breaches that a service has already, so that only new ones fail.

It is a JSON file to commit. It has no ids, times or answers, so it changes only when the service
does. A breach in it that a run did not find is gone, if the run sent its probe.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from kaiko_middleware.json_values import is_json_list, members

from ._target import TargetError

if TYPE_CHECKING:
    from ._report import Report

__all__ = ["Baseline", "read_baseline", "write_baseline"]

_VERSION = 1


class Baseline(NamedTuple):
    """The breaches that are known, by `Finding.key`."""

    known: frozenset[str]

    def apply(self, report: Report) -> Report:
        """Return a report in which known breaches are apart, and those that are gone are named."""
        found = {finding.key for finding in report.findings}
        asked = {name for _, name in report.asked}
        gone = sorted(key for key in self.known - found if key.partition(": ")[2] in asked)
        return replace(
            report,
            findings=tuple(each for each in report.findings if each.key not in self.known),
            known=tuple(each for each in report.findings if each.key in self.known),
            gone=tuple(gone),
        )


def read_baseline(path: str) -> Baseline:
    """Return the baseline in a file.

    Raises:
        TargetError: there is no such file, or it is no baseline.

    """
    try:
        value: object = json.loads(Path(path).read_bytes())
    except OSError as exc:
        raise TargetError(
            f"The baseline {path} cannot be read ({exc.strerror}): --write-baseline writes one"
        ) from exc
    except ValueError as exc:
        raise TargetError(f"The baseline {path} is no JSON: {exc}") from exc
    known = members(value).get("known")
    if members(value).get("version") != _VERSION or not is_json_list(known):
        raise TargetError(f"{path} is no baseline of this version: write it again")
    return Baseline(frozenset(str(key) for key in known))


def write_baseline(path: str, report: Report) -> int | None:
    """Write every breach of a report, known ones too, to a file.

    Returns:
        How many of them were not in the file before; None if it was no baseline before.

    Raises:
        TargetError: the file cannot be written, or the run was interrupted.

    """
    if report.interrupted:
        raise TargetError("An interrupted run is no baseline")
    keys = sorted({finding.key for finding in (*report.findings, *report.known)})
    try:
        before = read_baseline(path).known
    except TargetError:
        before = None
    try:
        Path(path).write_text(json.dumps({"version": _VERSION, "known": keys}, indent=2) + "\n")
    except OSError as exc:
        raise TargetError(f"The baseline {path} cannot be written: {exc.strerror}") from exc
    return None if before is None else len(set(keys) - before)
