"""A report as SARIF 2.1.0, for code scanning: each clause is a rule, each breach a result."""

from __future__ import annotations

import json
from importlib.metadata import version
from typing import TYPE_CHECKING

from ._clauses import CLAUSES

if TYPE_CHECKING:
    from ._report import Finding, Report

__all__ = ["as_sarif"]

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def as_sarif(report: Report) -> str:
    """Return a report as SARIF; known breaches are results of the baseline."""
    used = [name for name in CLAUSES if any(f.clause.id == name for f in _all(report))]
    places = {name: number for number, name in enumerate(used)}
    rules = [
        {
            "id": name,
            "shortDescription": {"text": f"{CLAUSES[name].promise}."},
            "fullDescription": {"text": CLAUSES[name].why},
            "properties": {"section": CLAUSES[name].section},
        }
        for name in used
    ]
    states = [("new", finding) for finding in report.findings]
    states += [("unchanged", finding) for finding in report.known]
    run = {
        "tool": {
            "driver": {
                "name": "kaiko-middleware check",
                "version": version("kaiko-middleware"),
                "rules": rules,
            }
        },
        "invocations": [{"executionSuccessful": not report.interrupted}],
        "results": [_result(finding, places, state) for state, finding in states],
    }
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _all(report: Report) -> tuple[Finding, ...]:
    return (*report.findings, *report.known)


def _result(finding: Finding, places: dict[str, int], state: str) -> dict[str, object]:
    method, _, target = finding.request.partition(" ")
    text = f"{finding.probe}: {finding.message}\n{finding.mend}"
    path = target.partition("?")[0].strip("/") or "."
    return {
        "ruleId": finding.clause.id,
        "ruleIndex": places[finding.clause.id],
        "level": "error",
        "baselineState": state,
        "message": {"text": text},
        "locations": [
            {
                # There is no source file: the path of the request is in its place.
                "physicalLocation": {"artifactLocation": {"uri": path[:200]}},
                "logicalLocations": [{"fullyQualifiedName": finding.probe, "kind": "resource"}],
            }
        ],
        "partialFingerprints": {"kaikoCheck/v1": finding.key},
        "properties": {
            "method": method,
            "curl": finding.curl,
            "answer": finding.answer,
            "framework": finding.framework,
        },
    }
