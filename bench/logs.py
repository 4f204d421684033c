"""Logs that are formatted and written as in production, but to nowhere."""

from __future__ import annotations

import logging
import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from contextlib import AbstractContextManager

    from bench.measure import Run

_OURS = logging.getLogger("kaiko")


def write_logs_to_nowhere() -> None:
    """Send what the toolkit, a server and a service log to the null device.

    The root logger is left alone: its level keeps INFO records from being made, as it does
    where nobody configured anything.
    """
    handler = stream_handler()
    for name in ("kaiko", "bench.server", "bench.service"):
        logging.getLogger(name).addHandler(handler)


def stream_handler() -> logging.Handler:
    """Return a handler that formats its records and writes them to the null device."""
    sink = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - open to the end
    handler = logging.StreamHandler(sink)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    return handler


@contextmanager
def django_formatted() -> Generator[None]:
    """Format what Django logs of a request, too."""
    handler = stream_handler()
    logger = logging.getLogger("django.request")
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        handler.close()


@contextmanager
def info_logged() -> Generator[None]:
    """Log at INFO, too: one line for each 4xx."""
    loggers = [_OURS, logging.getLogger("bench.service")]
    for logger in loggers:
        logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        for logger in loggers:
            logger.setLevel(logging.NOTSET)


@contextmanager
def record_unread() -> Generator[None]:
    """Make our record, and let no handler format it."""
    handlers = _OURS.handlers[:]
    _OURS.handlers[:] = [logging.NullHandler()]
    try:
        yield
    finally:
        _OURS.handlers[:] = handlers


@contextmanager
def record_off() -> Generator[None]:
    """Make no record of ours."""
    _OURS.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        _OURS.setLevel(logging.NOTSET)


def within(run: Run, logging_set: Callable[[], AbstractContextManager[None]]) -> Run:
    """Return `run` with the logging set for as long as it runs."""

    def set_up(times: int) -> None:
        with logging_set():
            run(times)

    return set_up
