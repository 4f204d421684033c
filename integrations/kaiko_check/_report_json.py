"""A report as JSON, for programs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._report import Finding, Report

__all__ = ["as_json"]


def as_json(report: Report) -> str:
    """Return a report as JSON."""
    value = {
        "target": report.target,
        "outcome": report.outcome(),
        "interrupted": report.interrupted,
        "planned": dict(report.planned),
        "sent": report.sent,
        "seconds": round(report.seconds, 3),
        "frameworks": list(report.frameworks),
        "notes": list(report.notes),
        "findings": [_finding(finding) for finding in report.findings],
        "known": [finding.key for finding in report.known],
        "gone": list(report.gone),
    }
    return json.dumps(value, indent=2) + "\n"


def _finding(finding: Finding) -> dict[str, object]:
    return {
        "key": finding.key,
        "clause": finding.clause.id,
        "section": finding.clause.section,
        "promise": finding.clause.promise,
        "probe": finding.probe,
        "request": finding.request,
        "message": finding.message,
        "curl": finding.curl,
        "answer": finding.answer,
        "why": finding.clause.why,
        "framework": finding.framework,
        "mend": finding.mend,
    }
