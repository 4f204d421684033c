"""What a run found: findings, and what was planned and sent."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ._clauses import CLAUSES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ._clauses import Clause

__all__ = ["Finding", "Report"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One breach of the contract, in one answer.

    Arguments:
        clause: the rule; see `Clause`.
        probe: what was asked, in a few words.
        message: what was found.
        request: the method and the target of what was sent, masked.
        curl: what was sent, as a line for a shell; secrets are masked.
        answer: what came back; cut, and secrets are masked.
        framework: who answered, by name; None if nothing tells.
        mend: how to mend it there.

    """

    clause: Clause
    probe: str
    message: str
    request: str
    curl: str
    answer: str
    framework: str | None
    mend: str

    @property
    def key(self) -> str:
        """What a baseline knows it by: the clause and the probe."""
        return f"{self.clause.id}: {self.probe}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The result of a run.

    Arguments:
        target: the name of what was checked.
        findings: every breach, in the contract's order; those of the baseline are not among them.
        planned: requests by kind, as it was said before.
        sent: requests that were sent.
        seconds: how long it took.
        interrupted: whether it was stopped before its end.
        frameworks: who answered, by name, the most frequent first.
        notes: what was left out, and why.
        asked: the kind and the name of each probe that was sent.
        known: findings that the baseline has.
        gone: keys in the baseline that were not found any more.

    """

    target: str
    findings: tuple[Finding, ...] = ()
    planned: Mapping[str, int] = field(default_factory=dict[str, int])
    sent: int = 0
    seconds: float = 0.0
    interrupted: bool = False
    frameworks: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    asked: tuple[tuple[str, str], ...] = ()
    known: tuple[Finding, ...] = ()
    gone: tuple[str, ...] = ()

    @property
    def total(self) -> int:
        """How many requests were planned."""
        return sum(self.planned.values())

    def by_clause(self) -> dict[str, list[Finding]]:
        """Return the findings by the clause's id, in the contract's order."""
        found: dict[str, list[Finding]] = {}
        for finding in self.findings:
            found.setdefault(finding.clause.id, []).append(finding)
        return {name: found[name] for name in CLAUSES if name in found}

    def outcome(self) -> str:
        """Return the result in a sentence."""
        if self.interrupted:
            start = f"Interrupted after {self.sent} of {self.total} requests"
        else:
            start = f"{self.sent} requests in {self.seconds:.1f} s"
        count, clauses = len(self.findings), len(self.by_clause())
        if not count:
            new = ", nothing new found" if self.known else ", nothing found"
        else:
            what = "breach" if count == 1 else "breaches"
            new = f", {count} {what} of {clauses} {'clause' if clauses == 1 else 'clauses'}"
        known = f" ({len(self.known)} known ones)" if self.known else ""
        return f"{start}{new}{known}."
