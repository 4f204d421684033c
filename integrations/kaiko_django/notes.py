"""Logs what a system check says, once, for processes that run no checks."""

from __future__ import annotations

from functools import cache

from django.conf import settings

from kaiko_middleware.report import logger

__all__ = ["note_once"]


def note_once(text: str, check: str) -> None:
    """Log a warning at the first call with this text, unless the check is silenced.

    Arguments:
        text: what is wrong.
        check: the id of the system check.

    """
    if check not in settings.SILENCED_SYSTEM_CHECKS:
        _log(text, check)


@cache
def _log(text: str, check: str) -> None:
    logger.warning("%s (%s)", text, check)
