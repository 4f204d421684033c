"""Errors of a serializer that a view returned: `Response(serializer.errors, status=400)`.

The rendered body has only localized texts. The response object still has DRF's errors, with their
codes and their serializer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from rest_framework.request import Request
from rest_framework.response import Response

from kaiko_drf._failures import failures_in, serializer_of
from kaiko_middleware.validation import error_from_failures

if TYPE_CHECKING:
    from django.http import HttpRequest
    from django.http.response import HttpResponseBase

    from kaiko_middleware import KaikoError

__all__ = ["read_response"]


def read_response(_request: HttpRequest, response: HttpResponseBase) -> KaikoError | None:
    """Return the typed error for a serializer's errors; None for any other answer."""
    if not isinstance(response, Response) or response.status_code not in {400, 422}:
        return None
    serializer = serializer_of(response.data)
    context: dict[str, object] = getattr(response, "renderer_context", {})
    request = context.get("request")
    if serializer is None or not isinstance(request, Request):
        return None
    try:
        errors = cast("object", serializer.errors)  # its stubs do not say of what
    except AssertionError:  # is_valid was not called: this is its data
        return None
    if not errors or response.data != errors:
        return None
    return error_from_failures(failures_in(response.data, serializer, request, context.get("view")))
