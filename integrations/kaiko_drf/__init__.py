"""kaiko-middleware for Django REST framework: every error answer of an API is an envelope.

Beside the middleware of `kaiko_django`, two lines of the settings:

    INSTALLED_APPS = ["kaiko_django", "kaiko_drf", "rest_framework", ...]
    REST_FRAMEWORK = {"EXCEPTION_HANDLER": "kaiko_drf.exception_handler"}

Validation failures then say which field is to blame, authentication failures stay 401, and
transactions are rolled back. Successes are rendered as before. `kaiko_drf.spectacular`
shows the envelope in the OpenAPI document of drf-spectacular.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.http import HttpResponse

__all__ = ["exception_handler"]


def exception_handler(exc: Exception, context: Mapping[str, object]) -> HttpResponse | None:
    """Answer what a view of DRF raised; for `REST_FRAMEWORK["EXCEPTION_HANDLER"]`.

    An exception that nobody foresaw is handed back, so that Django logs and signals it once;
    on paths that the settings leave out, DRF's own handler answers.

    Arguments:
        exc: what the view raised.
        context: what DRF passes: the view, its arguments and the request.

    Returns:
        The answer, whatever the client accepts; None for what DRF is to raise again.

    Implements sections 7 and 8 of the V2 contract.

    """
    # Views of DRF load what the settings name, which an application must not do so early.
    from kaiko_drf._handler import handle  # noqa: PLC0415 - see above

    return handle(exc, context)
