"""Finds applications of the project whose error answers are pages, or in a format of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.apps import apps

from kaiko_django.notes import note_once
from kaiko_middleware.neighbours import name_neighbours, neighbour_note

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
    if names:
        note_once(neighbour_note(names), CHECK)
