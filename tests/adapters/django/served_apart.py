"""A server in a process of its own, which serves one of this folder's projects."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator

_TESTS = Path(__file__).parents[2]


@contextmanager
def served_apart(project: str, server: str) -> Generator[int]:
    """Serve a project, such as `served_gzip`, by a server; yield the port that it listens on."""
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", f"adapters.django.{project}", server],
        env={**os.environ, "PYTHONPATH": str(_TESTS)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.stdin.close()  # it ends with its input
