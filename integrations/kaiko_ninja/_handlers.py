"""Exception handlers for a NinjaAPI, and the typed errors for Ninja's own exceptions."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from django.http import HttpRequest, HttpResponse
from ninja.errors import HttpError, Throttled, ValidationError

from kaiko_django.conf import current_pipeline
from kaiko_django.in_view import answer_in_view, is_ours
from kaiko_django.responses import EnvelopeResponse
from kaiko_middleware import KaikoError, RateLimitError
from kaiko_middleware.foreign_answer import read_detail
from kaiko_middleware.json_values import is_json_object
from kaiko_middleware.make_error import error_for_code, error_for_status
from kaiko_middleware.validation import Failure, error_from_failures
from kaiko_ninja._failures import error_of

if TYPE_CHECKING:
    from kaiko_middleware.map_exception import Known
    from kaiko_middleware.pipeline import Pipeline

__all__ = ["Handler", "Handling"]

# Ninja's types allow a class instead of an exception, but Ninja never passes one.
Handler = Callable[[HttpRequest, Any], HttpResponse]

_LONGEST = 1024
# Ninja's texts for every body that its parser refuses, and for a cookie without its token.
_UNREADABLE = "Cannot parse request body"
_CSRF = "CSRF check Failed"


class Handling:
    """The handler of one exception class, which replaces another handler.

    Arguments:
        pipeline: the settings; None for those of the project.
        given: the replaced handler, if any. It still answers on paths that are not covered,
            and answers that are no errors.

    """

    def __init__(self, pipeline: Pipeline | None, given: Handler | None) -> None:
        self._pipeline = pipeline
        self._given = given

    def answer(self, request: HttpRequest, exc: Any) -> HttpResponse:
        """Answer `exc`, or raise it again."""
        pipeline = current_pipeline() if self._pipeline is None else self._pipeline
        if not is_ours(request, pipeline) or (
            isinstance(exc, HttpError) and exc.status_code in range(100, 400)
        ):
            return self._as_before(request, exc)
        known: Known = {
            HttpError: http_error,
            ValidationError: lambda failed: error_of(failed, request),
        }
        response = answer_in_view(request, exc, pipeline, known, EnvelopeResponse)
        if response is None:
            raise exc
        return response

    def deny(self, own: Handler | None, request: HttpRequest, exc: Any) -> HttpResponse:
        """Answer a `PermissionDenied`, which Ninja itself has no handler of.

        Arguments:
            own: the service's handler of every exception, if it has one. Ninja would ask it.
            request: the request.
            exc: the exception.

        """
        pipeline = current_pipeline() if self._pipeline is None else self._pipeline
        if own is None or pipeline.config.mapping.handles(exc):
            return self.answer(request, exc)
        return own(request, exc)

    def hand_on(self, request: HttpRequest, exc: Any) -> HttpResponse:
        """Raise an unmapped exception, so Django logs and signals it."""
        pipeline = current_pipeline() if self._pipeline is None else self._pipeline
        if is_ours(request, pipeline):
            raise exc
        return self._as_before(request, exc)

    def _as_before(self, request: HttpRequest, exc: Any) -> HttpResponse:
        if self._given is None:
            raise exc
        return self._given(request, exc)


def http_error(exc: HttpError) -> KaikoError | None:
    """Return the typed error for an `HttpError`; None if no server would send its status."""
    status = exc.status_code
    if status not in range(400, 600):
        return None
    said = cast("object", exc.message)  # it may be any object
    text = said[:_LONGEST] if isinstance(said, str) else ""
    cause = exc.__cause__
    if cause is not None and text.startswith(_UNREADABLE):
        # The service's own parser may raise a typed error, which Ninja hides.
        if isinstance(cause, KaikoError):
            return cause
        return error_from_failures([Failure("json", "body", None)])
    if said == _CSRF:
        return error_for_code("csrf_failed")
    detail: dict[str, object] = said if is_json_object(said) else {"detail": text}
    message, code, param, *_ = read_detail(detail, status)
    if status == 429:
        wait = exc.wait if isinstance(exc, Throttled) else None
        return RateLimitError(message, code=code, param=param, retry_after=wait)
    if status >= 500:
        message = param = None
    return error_for_status(status, message, code=code, param=param)
