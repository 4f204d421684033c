"""The exception handler's implementation, which needs DRF's classes."""

from __future__ import annotations

import json
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import exception_handler as default_handler

from kaiko_django.conf import current, current_pipeline
from kaiko_django.in_view import answer_in_view, is_ours
from kaiko_django.responses import EnvelopeResponse
from kaiko_drf._exceptions import api_exception, recursion

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kaiko_middleware.map_exception import Known

__all__ = ["handle"]

_NO_ERRORS = range(100, 400)


class _EnvelopeResponse(EnvelopeResponse, Response):
    """An envelope like DRF's responses, but rendered: what is written into `data` is not sent."""

    _is_rendered = True
    template_name: Any = None  # its stub knows no response without a template
    context_data = content_type = using = None

    def _read(self) -> Any:
        return json.loads(self.reply.body)

    data: Any = cached_property(_read)
    """The envelope, as a dictionary."""


def handle(exc: Exception, context: Mapping[str, object]) -> Response | None:
    """Answer `exc`; None if DRF should raise it again."""
    request = context.get("request")
    pipeline = current[0] if current else current_pipeline()
    # DRF answers what is not an error (304, for example) or not covered.
    if (
        not isinstance(request, Request)
        or not is_ours(request._request, pipeline)  # noqa: SLF001 - DRF's documentation names it
        or (isinstance(exc, APIException) and exc.status_code in _NO_ERRORS)
    ):
        return default_handler(exc, cast("dict[str, object]", context))  # DRF's own is one
    known: Known = {
        APIException: lambda raised: api_exception(raised, request, context.get("view")),
        RecursionError: recursion,
    }
    return answer_in_view(request._request, exc, pipeline, known, _EnvelopeResponse)  # noqa: SLF001 - as above
