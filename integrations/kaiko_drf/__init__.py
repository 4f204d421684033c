"""kaiko-middleware for Django REST framework: every error answer of an API is an envelope.

Add the middleware of `kaiko_django` and two settings:

    INSTALLED_APPS = ["kaiko_django", "kaiko_drf", "rest_framework", ...]
    REST_FRAMEWORK = {"EXCEPTION_HANDLER": "kaiko_drf.exception_handler"}

Validation failures then name the field to blame, authentication failures stay 401, and
transactions are rolled back. Successes are rendered as before. `kaiko_drf.spectacular` shows the
envelope in the OpenAPI document of drf-spectacular.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from kaiko_middleware.extras import require

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rest_framework.response import Response

__all__ = ["exception_handler"]

require("kaiko_drf", "rest_framework", "django")


def exception_handler(exc: Exception, context: Mapping[str, object]) -> Response | None:
    """Answer an exception of a DRF view; for `REST_FRAMEWORK["EXCEPTION_HANDLER"]`.

    An unmapped exception is raised again, so Django logs and signals it once. On paths that the
    settings exclude, DRF's own handler answers.

    Arguments:
        exc: the exception.
        context: what DRF passes: the view, its arguments and the request.

    Returns:
        The answer, in JSON whatever the client accepts, and the envelope in its `data`; None if DRF
        should raise the exception again.

    Implements sections 7 and 8 of the V2 contract.

    """
    return _load()(exc, context)


@cache
def _load() -> Callable[[Exception, Mapping[str, object]], Response | None]:
    """Return the handler, loaded for the first exception.

    DRF's views load classes that the settings name, which is too early for an application.
    """
    from kaiko_drf._handler import handle  # noqa: PLC0415 - see above

    return handle
