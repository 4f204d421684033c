"""Check a service against the contract, from outside: what `kaiko-middleware check` does.

The service is at an address, or an ASGI or WSGI application in this process; its language does not
matter. `load_target` names it, `run_check` sends the probes, and the `Report` has a `Finding` for
each clause that an answer broke: what was sent, what came back, why it matters and how to mend it.

>>> from kaiko_check import load_app, run_check
>>> def app(environ, start_response):
...     start_response("404 Not Found", [("Content-Type", "text/plain")])
...     return [b"Not Found"]
>>> report = run_check(load_app(app, "bare"))
>>> report.findings[0].clause.promise
'An error answer is JSON'
"""

from __future__ import annotations

from kaiko_middleware.extras import require

require("kaiko_check", "httpx2", "rich")

from ._baseline import Baseline, read_baseline, write_baseline
from ._clauses import CLAUSES, Clause
from ._formats import render_report
from ._load import load_app, load_django, load_target
from ._probe import Options
from ._report import Finding, Report
from ._run import run_check
from ._target import Target, TargetError

__all__ = [
    "CLAUSES",
    "Baseline",
    "Clause",
    "Finding",
    "Options",
    "Report",
    "Target",
    "TargetError",
    "load_app",
    "load_django",
    "load_target",
    "read_baseline",
    "render_report",
    "run_check",
    "write_baseline",
]
