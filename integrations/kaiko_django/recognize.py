"""What stands behind an error answer that Django made: which exception, or which check.

Django turns exceptions into answers at every layer of its middleware, so that nothing
outside can catch them. What can be seen is kept on the request: an exception of a view by
`process_exception`, any that Django calls uncaught by its signal. The rest is told by the
traces that Django leaves on the request and the answer.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NamedTuple

from django.conf import settings
from django.core.exceptions import BadRequest, PermissionDenied, SuspiciousOperation
from django.core.signals import got_request_exception
from django.http import Http404
from django.http.multipartparser import MultiPartParserError

from kaiko_middleware import ForbiddenError, KaikoError, PayloadTooLargeError

if TYPE_CHECKING:
    from django.http import HttpRequest
    from django.http.response import HttpResponseBase

__all__ = ["SEEN", "CsrfFailed", "Seen", "django_status", "listen", "recognize", "remember"]

SEEN = "_kaiko_seen"
"""Where the request has what was seen; whoever takes it removes it: a traceback is in it."""
_REFUSED = (BadRequest, SuspiciousOperation, MultiPartParserError)
_SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


class CsrfFailed(ForbiddenError, code="csrf_failed"):
    """Django's CSRF check refused the request."""


class Seen(NamedTuple):
    """An exception of a request, and the status that Django answers it with.

    `unmapped` says that it was looked up already, and has no mapping.
    """

    exception: BaseException
    status: int
    unmapped: bool

    def explains(self, response: HttpResponseBase) -> bool:
        """Whether `response` is Django's answer to it, and not another one made since."""
        status = response.status_code
        if self.status < 500:
            return status == self.status
        # A project's handler500 may choose another 5xx; Django has then logged it already.
        return status == 500 or (status > 500 and _was_logged(response))


def django_status(exc: BaseException) -> int:
    """Return the status that Django gives to an exception of its own; 500 to any other."""
    if isinstance(exc, Http404):
        return 404
    if isinstance(exc, PermissionDenied):
        return 403
    return 400 if isinstance(exc, _REFUSED) else 500


def remember(
    request: HttpRequest, exc: BaseException, status: int, *, unmapped: bool = False
) -> None:
    """Keep an exception until its answer leaves; the last one counts."""
    setattr(request, SEEN, Seen(exc, status, unmapped))


def listen() -> None:
    """Have Django tell of the exceptions that nobody caught; may be called repeatedly."""
    got_request_exception.connect(_on_exception, dispatch_uid="kaiko_django")


def _on_exception(*, request: HttpRequest | None = None, **_kwargs: object) -> None:
    exc = sys.exception()
    if request is None or exc is None:
        return
    seen: object = getattr(request, SEEN, None)
    if not isinstance(seen, Seen) or seen.exception is not exc:
        remember(request, exc, 500)


def recognize(request: HttpRequest, response: HttpResponseBase) -> KaikoError | None:
    """Return the error for an answer whose exception nobody could show us; None: its status.

    Only answers that Django logged when it made them are looked at: a view's are not.
    """
    if not _was_logged(response):
        return None
    if response.status_code == 403 and _failed_csrf(request):
        return CsrfFailed("The CSRF check failed")
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


def _was_logged(response: HttpResponseBase) -> bool:
    return bool(getattr(response, "_has_been_logged", False))
