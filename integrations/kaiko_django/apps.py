"""The application for `INSTALLED_APPS`: it brings the system checks."""

from __future__ import annotations

from django.apps import AppConfig

__all__ = ["KaikoConfig"]


class KaikoConfig(AppConfig):
    """Registers the checks `kaiko.E001` and following."""

    name = "kaiko_django"

    def ready(self) -> None:
        """Register the checks once all applications are loaded."""
        from kaiko_django.checks import register_checks  # noqa: PLC0415 - for commands only

        register_checks()
