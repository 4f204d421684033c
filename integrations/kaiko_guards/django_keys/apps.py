"""The Django application."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig


class KeysConfig(AppConfig):
    """API keys in the database."""

    name = "kaiko_guards.django_keys"
    label = "kaiko_keys"
    verbose_name: Any = "API keys"
    default_auto_field: Any = "django.db.models.BigAutoField"
