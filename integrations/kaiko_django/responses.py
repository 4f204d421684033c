"""From the core's `Reply` to a Django response: a new one, or the one at hand rewritten.

Where Django has made a response already it is rewritten in place: a new one would be logged
a second time, and closing the old one would send `request_finished` twice.
"""

from __future__ import annotations

from http.client import responses as phrases
from typing import TYPE_CHECKING

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import ResponseHeaders

from kaiko_django.conf import current_setup
from kaiko_middleware import current_request_id
from kaiko_middleware.headers import merge_expose
from kaiko_middleware.report import RequestInfo

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from django.http import HttpRequest
    from django.http.response import HttpResponseBase

    from kaiko_middleware import KaikoError, Reply

__all__ = [
    "EnvelopeResponse",
    "error_response",
    "finish_envelope",
    "request_id_of",
    "request_info",
    "rewrite",
]


class EnvelopeResponse(HttpResponse):
    """A response that the toolkit made itself, so that the way out knows it unread."""

    def __init__(self, reply: Reply, request_id: str) -> None:
        super().__init__(reply.body, status=reply.status)
        self.reply = reply
        self.request_id = request_id
        _set_headers(self, reply.headers)

    def is_intact(self, request_id: str) -> bool:
        """Whether this still is the answer that was made for the request."""
        return (
            self.request_id == request_id
            and self.status_code == self.reply.status
            and (self.content == self.reply.body or "Content-Encoding" in self)
        )


def error_response(request: HttpRequest, error: KaikoError) -> HttpResponse:
    """Return the answer for `error`, for code that cannot raise it.

    An error raised in another middleware, or in `process_view`, has been logged and
    signalled as a crash before anyone can map it; such code returns this instead.

    Arguments:
        request: the request that is refused.
        error: a typed error.

    Implements section 9 of the V2 contract.

    """
    info = request_info(request)
    answer = current_setup().engine.on_exception(error, info)
    return EnvelopeResponse(answer.reply, info.request_id)


def request_id_of(request: HttpRequest) -> str | None:
    """Return the id that the middleware gave to `request`; None where it did not see it."""
    found: object = getattr(request, "kaiko_request_id", None)
    return found if isinstance(found, str) else None


def request_info(request: HttpRequest) -> RequestInfo:
    """Return what the core wants to know of a request."""
    request_id = request_id_of(request) or current_request_id()
    if request_id is None:
        request_id = current_setup().request_id(request.META)
    return RequestInfo(request_id, request.method or "-", request.path)


def rewrite(request: HttpRequest, response: HttpResponseBase, reply: Reply) -> None:
    """Turn `response` into `reply`, in place; its cookies stay."""
    response.status_code = reply.status
    response.reason_phrase = phrases.get(reply.status, "Unknown Status Code")
    body = b"" if request.method == "HEAD" else reply.body
    if isinstance(response, StreamingHttpResponse):
        # The iterator that is dropped stays among what `close` closes.
        response.streaming_content = _once(body) if isinstance(request, ASGIRequest) else [body]
    elif isinstance(response, HttpResponse):
        response.content = body
    _set_headers(response, reply.headers)


def finish_envelope(request: HttpRequest, response: EnvelopeResponse, header: str) -> None:
    """Do to an envelope what can only be done on its way out."""
    if request.method == "HEAD":
        # After the inner middleware, so that Content-Length is the one of a GET.
        length = response.headers.get("Content-Length", "")
        response.content = b""
        response.headers["Content-Length"] = length
    if "Access-Control-Allow-Origin" in response:
        _set_headers(response, merge_expose(list(response.items()), header))


def _set_headers(response: HttpResponseBase, pairs: Iterable[tuple[str, str]]) -> None:
    headers = ResponseHeaders({})
    for name, value in pairs:
        if name not in headers:
            headers[name] = value
        elif name.lower() == "set-cookie":
            # Django's headers hold one value a name; cookies are what cannot be joined.
            response.cookies.load(value)
        else:
            headers[name] = f"{headers[name]}, {value}"
    response.headers = headers


async def _once(body: bytes) -> AsyncIterator[bytes]:
    yield body
