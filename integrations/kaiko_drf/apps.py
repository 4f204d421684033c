"""The application for `INSTALLED_APPS`: it reads returned errors, and adds a system check."""

from __future__ import annotations

from django.apps import AppConfig

__all__ = ["KaikoDrfConfig"]


class KaikoDrfConfig(AppConfig):
    """Treats `Response(serializer.errors, status=400)` as a validation failure."""

    name = "kaiko_drf"

    def ready(self) -> None:
        """Register the reader and the check once all applications are loaded."""
        from kaiko_django.in_view import add_reader  # noqa: PLC0415 - DRF may be loaded now
        from kaiko_drf._returned import read_response  # noqa: PLC0415 - likewise
        from kaiko_drf.checks import register_checks  # noqa: PLC0415 - likewise

        add_reader(read_response)
        register_checks()
