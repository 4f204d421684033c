"""Finds applications of the project whose error answers are pages, or in a format of their own."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from django.apps import apps
from django.conf import settings

from kaiko_middleware.neighbours import name_neighbours, neighbour_note
from kaiko_middleware.report import logger

if TYPE_CHECKING:
    from kaiko_middleware import Config

__all__ = ["CHECK", "neighbours", "note_neighbours"]

CHECK = "kaiko.W007"
"""The id of the system check, which silences the note as well."""


def neighbours(config: Config) -> list[str]:
    """Return the names of what is installed, where every answer of the project is rewritten."""
    if not config.rewrite_answers or not config.covers_everything:
        return []
    return name_neighbours(app.name for app in apps.get_app_configs())


def note_neighbours(config: Config) -> None:
    """Log what the check says, once, for processes that run no checks."""
    names = neighbours(config)
    if names and CHECK not in settings.SILENCED_SYSTEM_CHECKS:
        _note(neighbour_note(names))


@cache
def _note(text: str) -> None:
    logger.warning("%s (%s)", text, CHECK)
