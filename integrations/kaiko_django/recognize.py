"""Recognizes Django's own exceptions, and its checks by the answers they gave.

Some answers show no exception: their check is told by the traces that Django leaves on the
request and the answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.core.exceptions import BadRequest, PermissionDenied, SuspiciousOperation
from django.http import Http404
from django.http.multipartparser import MultiPartParserError

from kaiko_middleware import KaikoError, PayloadTooLargeError
from kaiko_middleware.make_error import error_for_code

if TYPE_CHECKING:
    from django.http import HttpRequest
    from django.http.response import HttpResponseBase

__all__ = ["DJANGO_OWN", "django_status", "recognize", "was_logged"]

DJANGO_OWN = (Http404, PermissionDenied, BadRequest, SuspiciousOperation, MultiPartParserError)
"""The exceptions that Django answers itself with a status of their own."""

_SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


def django_status(exc: BaseException) -> int:
    """Return the status that Django gives to its exceptions; 500 for any other."""
    if isinstance(exc, Http404):
        return 404
    if isinstance(exc, PermissionDenied):
        return 403
    return 400 if isinstance(exc, DJANGO_OWN) else 500


def recognize(request: HttpRequest, response: HttpResponseBase) -> KaikoError | None:
    """Return the error for an answer whose exception nobody could show us; None: its status.

    Only answers that Django logged when it made them are looked at: a view's are not.
    """
    if not was_logged(response):
        return None
    if response.status_code == 403 and _failed_csrf(request):
        return error_for_code("csrf_failed")
    if response.status_code == 400 and _too_big(request):
        return PayloadTooLargeError()
    return None


def _failed_csrf(request: HttpRequest) -> bool:
    """Whether CsrfViewMiddleware, or csrf_protect, refused the request.

    The check marks each request that it accepts, and its refusal is logged on the spot; a
    PermissionDenied that a view raised would have been seen. What remains is one that a
    middleware before the check raises in `process_view`.
    """
    match = request.resolver_match
    return (
        request.method not in _SAFE
        and match is not None
        and not getattr(match.func, "csrf_exempt", False)
        and not getattr(request, "csrf_processing_done", False)
    )


def _too_big(request: HttpRequest) -> bool:
    """Whether reading the body, in a middleware, had to fail with RequestDataTooBig."""
    limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    length: object = request.META.get("CONTENT_LENGTH")
    return (
        limit is not None
        and request.content_type != "multipart/form-data"
        and isinstance(length, str)
        and length.isdecimal()
        and int(length) > limit
        and getattr(request, "_post", None) is not None
    )


def was_logged(response: HttpResponseBase) -> bool:
    """Whether Django logged the answer already: those that it made of an exception itself."""
    return bool(getattr(response, "_has_been_logged", False))
