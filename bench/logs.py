"""Logs that are formatted and written as in production, but to nowhere."""

from __future__ import annotations

import logging
import os
from pathlib import Path


def write_logs_to_nowhere() -> None:
    """Send what the toolkit logs, and what a server logs of it, to the null device.

    The root logger is left alone: its level keeps INFO records from being made, as it does
    where nobody configured anything.
    """
    sink = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - open to the end
    handler = logging.StreamHandler(sink)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    for name in ("kaiko", "bench.server"):
        logging.getLogger(name).addHandler(handler)
