"""The Django application `kaiko_guards`: its checks say where a guard is in a wrong place."""

from __future__ import annotations

from django.apps import AppConfig

__all__ = ["GuardsConfig"]


class GuardsConfig(AppConfig):
    """Registers the checks `kaiko_guards.E001` and following."""

    name = "kaiko_guards"

    def ready(self) -> None:
        """Register the checks once all applications are loaded."""
        from kaiko_guards.django_checks import register_checks  # noqa: PLC0415 - for commands only

        register_checks()
