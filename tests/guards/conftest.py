"""Django is set up before a test imports what reads its settings."""

from __future__ import annotations

from support_django import setup_django

setup_django()
