"""From the core's `Reply` to a Django response: a new one, or the one at hand rewritten.

Where Django has made a response already it is rewritten in place: a new one would be logged
a second time, and closing the old one would send `request_finished` twice.
"""

from __future__ import annotations

from http.client import responses as phrases
from typing import TYPE_CHECKING, cast

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import ResponseHeaders

from kaiko_django.conf import current_setup
from kaiko_middleware import current_request_id
from kaiko_middleware.headers import DESCRIBES_BODY
from kaiko_middleware.report import RequestInfo
from kaiko_middleware.response_head import recognize

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from django.http import HttpRequest
    from django.http.response import HttpResponseBase

    from kaiko_django.conf import Setup
    from kaiko_middleware import KaikoError, Reply

__all__ = [
    "EnvelopeResponse",
    "error_response",
    "finish_envelope",
    "put_id",
    "request_id_of",
    "request_info",
    "rewrite",
]

# What, among the headers of an envelope, says that middleware had its hands on it.
_TOUCHED = (DESCRIBES_BODY - {"content-type", "content-length"}) | {"access-control-allow-origin"}


class EnvelopeResponse(HttpResponse):
    """A response that the toolkit made itself, so that the way out knows it unread."""

    def __init__(self, reply: Reply, request_id: str) -> None:
        super().__init__(reply.body, "application/json", reply.status)
        self.reply: Reply = reply
        self.request_id: str = request_id
        _set_headers(self, reply.headers)


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
    answer = current_setup().pipeline.on_exception(error, info)
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
    kind: object = request.META.get("CONTENT_TYPE")
    content_type = kind if isinstance(kind, str) else ""
    return RequestInfo(request_id, request.method or "-", request.path, content_type)


def rewrite(request: HttpRequest, response: HttpResponseBase, reply: Reply) -> None:
    """Turn `response` into `reply`, in place; its cookies stay."""
    response.status_code = reply.status
    response.reason_phrase = phrases.get(reply.status, "Unknown Status Code")
    body = b"" if request.method == "HEAD" else reply.body
    if isinstance(response, StreamingHttpResponse):
        # The iterator that is dropped stays among what `close` closes.
        response.streaming_content = _once(body) if isinstance(request, ASGIRequest) else [body]
    else:
        cast("HttpResponse", response).content = body
    _set_headers(response, reply.headers)


def finish_envelope(
    setup: Setup, request: HttpRequest, response: EnvelopeResponse, request_id: str
) -> Reply | None:
    """Do to an envelope what can only be done on its way out, and return it as it leaves.

    Middleware may have added to its headers, or encoded it. None where it is not what was
    made for this request any more.
    """
    reply = response.reply
    untouched = (
        response.status_code == reply.status
        and response.request_id == request_id
        and response.content == reply.body
        and _TOUCHED.isdisjoint(_store(response.headers))
    )
    if untouched and request.method != "HEAD":
        return reply
    found = recognize(
        reply,
        response.status_code,
        list(response.items()),
        response.content,
        request_info(request),
        setup.config,
    )
    if found is not None:
        rewrite(request, response, found)
    return found


def put_id(response: HttpResponseBase, setup: Setup, request_id: str) -> None:
    """Put the id header on a response, in place of any that the application set."""
    # Past the checks of `headers[...] = ...`, which cost more than all the rest of a success:
    # name and value are known to be sendable.
    _store(response.headers)[setup.key] = (setup.header, request_id)


def _set_headers(response: HttpResponseBase, pairs: Iterable[tuple[str, str]]) -> None:
    headers = ResponseHeaders({})
    store = _store(headers)
    for name, value in pairs:
        key = name.lower()
        if key not in store:
            store[key] = (name, value)
        elif key == "set-cookie":
            # Django's headers hold one value a name; cookies are what cannot be joined.
            response.cookies.load(value)
        else:
            store[key] = (name, f"{store[key][1]}, {value}")
    response.headers = headers


def _store(headers: ResponseHeaders) -> dict[str, tuple[str, str]]:
    return headers._store  # noqa: SLF001 - see put_id


async def _once(body: bytes) -> AsyncIterator[bytes]:
    yield body
