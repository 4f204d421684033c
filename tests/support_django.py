"""Django for tests: set up once in a process, with the settings that all suites share."""

from __future__ import annotations

import os
from functools import cache

import django

__all__ = ["setup_django"]


@cache
def setup_django() -> None:
    """Set Django up with `django_project.settings`; calling this again does nothing."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "django_project.settings"
    django.setup()
