"""Applications to name on a command line: one that keeps the contract, and one that does not."""

from __future__ import annotations

import os

from check.broken import spoiled_wsgi
from check.right_services import wsgi
from check.spoils import ROWS

app = wsgi()
broken = spoiled_wsgi(wsgi(), ROWS[os.environ.get("SPOILED", "cache.control")].make())
more = spoiled_wsgi(broken, ROWS["retry.header"].make())
text = "not an application"
