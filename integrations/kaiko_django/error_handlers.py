"""Django's error handling, as far as it can be seen and taken part in.

Django turns exceptions into answers at every layer of its middleware, so that nothing
outside can catch them. What can be seen is kept on the request: an exception of a view by
`process_exception`, any that Django calls uncaught by its signal. Where Django would call a
default handler, which renders an HTML page, ours answers: Django looks for `handler404` and its
like in the project's URLconf, and takes those of `django.conf.urls` where there are none. A
project's own handlers are left alone, and so are the paths that are not ours.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NamedTuple

from django.conf import urls
from django.core.signals import got_request_exception
from django.views import defaults

from kaiko_django.conf import current, current_pipeline
from kaiko_django.recognize import was_logged
from kaiko_django.responses import EnvelopeResponse, debugs_in_html, request_info
from kaiko_middleware import ServerError

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse
    from django.http.response import HttpResponseBase

__all__ = ["SEEN", "Seen", "install_handlers"]

SEEN = "_kaiko_seen"
"""Where the request has what was seen; whoever takes it removes it: a traceback is in it."""


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
        return status == 500 or (status > 500 and was_logged(response))


def install_handlers() -> None:
    """Listen to Django's signal, and replace its default handlers; may be called repeatedly."""
    got_request_exception.connect(_on_exception, dispatch_uid="kaiko_django")
    handlers = urls.__dict__  # its stub wants Django's own signatures
    if urls.handler400 is defaults.bad_request:
        handlers["handler400"] = bad_request
    if urls.handler403 is defaults.permission_denied:
        handlers["handler403"] = permission_denied
    if urls.handler404 is defaults.page_not_found:
        handlers["handler404"] = not_found
    if urls.handler500 is defaults.server_error:
        handlers["handler500"] = server_error


def _on_exception(*, request: HttpRequest | None = None, **_kwargs: object) -> None:
    exc = sys.exception()
    if request is None or exc is None:
        return
    seen: object = request.__dict__.get(SEEN)
    if not isinstance(seen, Seen) or seen.exception is not exc:
        request.__dict__[SEEN] = Seen(exc, 500, unmapped=False)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer what Django suspects, or cannot read; its own middleware raises most of it."""
    return _answer_own(request, exception) or defaults.bad_request(request, exception)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer a `PermissionDenied`, of a middleware above all."""
    return _answer_own(request, exception) or defaults.permission_denied(request, exception)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer an `Http404`, of the URLconf above all."""
    return _answer_own(request, exception) or defaults.page_not_found(request, exception)


def _answer_own(request: HttpRequest, exception: Exception) -> HttpResponse | None:
    if not current_pipeline().config.rewrite_answers or debugs_in_html(request):
        return None
    return _answer(request, exception, unmapped=False)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer what a view raised and has no mapping; Django has signalled it, and logs it."""
    seen: object = request.__dict__.get(SEEN)
    answer = None
    if isinstance(seen, Seen) and seen.unmapped:
        answer = _answer(request, seen.exception, unmapped=True)
    return defaults.server_error(request) if answer is None else answer


def _answer(request: HttpRequest, exc: BaseException, *, unmapped: bool) -> HttpResponse | None:
    """Return the answer to `exc`, which is reported when it leaves: middleware may replace it."""
    if "kaiko_request_id" not in request.__dict__:  # a path that is not ours
        return None
    info = request_info(request)
    pipeline = current[0] if current else current_pipeline()
    error = (None if unmapped else pipeline.find(exc, info)) or ServerError()
    response = EnvelopeResponse(pipeline.render(error, info), info.request_id)
    response.unreported = error, exc, info, unmapped
    return response
