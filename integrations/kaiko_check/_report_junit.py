"""A report as JUnit's XML: each probe is a test, and each breach in its answers a failure."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._report import Finding, Report

__all__ = ["as_junit"]

# XML 1.0 has no way to write these.
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def as_junit(report: Report) -> str:
    """Return a report as JUnit's XML; known breaches are skipped tests."""
    found = _by_probe(report.findings)
    known = _by_probe(report.known)
    suite = ET.Element(
        "testsuite",
        name=_legal(f"kaiko-middleware check {report.target}"),
        tests=str(len(report.asked)),
        failures=str(len([name for _, name in report.asked if name in found])),
        errors="1" if report.interrupted else "0",
        skipped=str(len(known.keys() - found.keys())),
        time=f"{report.seconds:.3f}",
    )
    for kind, name in report.asked:
        case = ET.SubElement(suite, "testcase", classname=f"check.{kind}", name=_legal(name))
        for finding in found.get(name, ()):
            said = f"{finding.clause.id} (section {finding.clause.section}): {finding.message}"
            failure = ET.SubElement(case, "failure", type=finding.clause.id, message=_legal(said))
            failure.text = _legal(_details(finding))
        if name in known and name not in found:
            ids = ", ".join(finding.clause.id for finding in known[name])
            ET.SubElement(case, "skipped", message=_legal(f"known: {ids}"))
    if report.interrupted:
        case = ET.SubElement(suite, "testcase", classname="check", name="the whole run")
        ET.SubElement(case, "error", message=report.outcome())
    root = ET.Element("testsuites")
    root.append(suite)
    ET.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _by_probe(findings: tuple[Finding, ...]) -> dict[str, list[Finding]]:
    found: dict[str, list[Finding]] = {}
    for finding in findings:
        found.setdefault(finding.probe, []).append(finding)
    return found


def _details(finding: Finding) -> str:
    return (
        f"{finding.clause.promise}.\n{finding.clause.why}\n\n$ {finding.curl}\n"
        f"{finding.answer}\n\n{finding.mend}\n"
    )


def _legal(text: str) -> str:
    return _ILLEGAL.sub("�", text)
