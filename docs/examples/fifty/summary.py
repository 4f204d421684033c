"""Print a line for each report of `check --format json`, the worst service first."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path

reports = [json.loads(Path(name).read_text(encoding="utf-8")) for name in sys.argv[1:]]
for report in sorted(reports, key=lambda report: -len(report["findings"])):
    clauses = Counter(finding["clause"] for finding in report["findings"])
    worst = ", ".join(f"{name} {times}" for name, times in clauses.most_common(3))
    sys.stdout.write(f"{report['target']:<12} {len(report['findings']):>4}  {worst}\n")
