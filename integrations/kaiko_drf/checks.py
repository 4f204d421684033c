"""A system check: `manage.py check` says what to write before a request fails.

| Id | What is wrong |
|---|---|
| kaiko_drf.W001 | `REST_FRAMEWORK["EXCEPTION_HANDLER"]` is another handler |
"""

from __future__ import annotations

from django.core import checks
from rest_framework.settings import api_settings

from kaiko_drf import exception_handler

__all__ = ["check_handler", "register_checks"]


def register_checks() -> None:
    """Register the check; the application's `ready` does this."""
    checks.register(check_handler, "kaiko")


def check_handler(**_kwargs: object) -> list[checks.CheckMessage]:
    """Check that DRF calls our exception handler."""
    if api_settings.EXCEPTION_HANDLER is exception_handler:
        return []
    return [
        checks.Warning(
            "DRF does not call kaiko_drf.exception_handler: validation failures do not say "
            "which field is to blame, and a 401 may be sent as a 403.",
            hint=(
                'Write REST_FRAMEWORK = {"EXCEPTION_HANDLER": "kaiko_drf.exception_handler"}. '
                'If yours calls ours, add "kaiko_drf.W001" to SILENCED_SYSTEM_CHECKS.'
            ),
            id="kaiko_drf.W001",
        )
    ]
