"""From the core's `Reply` to a Django response: a new one, or the one at hand rewritten.

Where Django has made a response already it is rewritten in place: a new one would be logged
a second time, and closing the old one would send `request_finished` twice.
"""

from __future__ import annotations

from functools import partial
from http.client import responses as phrases
from typing import TYPE_CHECKING, cast

from django.conf import settings
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpResponse, StreamingHttpResponse

from kaiko_django.conf import current_setup
from kaiko_middleware import current_request_id
from kaiko_middleware.headers import DESCRIBES_BODY, prefers_html
from kaiko_middleware.ids import set_request_id
from kaiko_middleware.report import RequestInfo
from kaiko_middleware.response_head import recognize
from kaiko_middleware.response_state import Chunk, Head, ResponseState

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Sequence

    from django.http import HttpRequest
    from django.http.response import HttpResponseBase

    from kaiko_middleware import KaikoError, Reply
    from kaiko_middleware.layers import Layers
    from kaiko_middleware.response_state import Piece
    from kaiko_wsgi.setup import Setup

__all__ = [
    "EnvelopeResponse",
    "error_response",
    "finish_envelope",
    "put_id",
    "replace_response",
    "request_info",
    "response_state",
    "restore_when_closed",
    "silence",
]

# What, among the headers of an envelope, says that middleware had its hands on it.
_TOUCHED = (DESCRIBES_BODY - {"content-type", "content-length"}) | {"access-control-allow-origin"}

_forget = partial(set_request_id, None)


class EnvelopeResponse(HttpResponse):
    """A response that the toolkit made: `rewrite_response` recognizes it without reading it."""

    unreported: tuple[KaikoError, BaseException, RequestInfo, bool] | None = None
    """The error that is reported when this leaves, its exception, and whether it is unmapped."""

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


def response_state(setup: Setup, request: HttpRequest, layers: Layers | None) -> ResponseState:
    """Return the core's state for a response of Django's."""
    return ResponseState(
        setup.pipeline,
        request_info(request),
        layers=layers,
        framework_debug=settings.DEBUG and prefers_html(request.META.get("HTTP_ACCEPT", "")),
    )


def request_info(request: HttpRequest) -> RequestInfo:
    """Return what the core wants to know of a request."""
    found: object = getattr(request, "kaiko_request_id", None)
    request_id = found if isinstance(found, str) else current_request_id()
    if request_id is None:
        request_id = current_setup().request_id(request.META)
    kind: object = request.META.get("CONTENT_TYPE")
    content_type = kind if isinstance(kind, str) else ""
    return RequestInfo(request_id, request.method or "-", request.path, content_type)


def replace_response(
    request: HttpRequest, response: HttpResponseBase, pieces: Sequence[Piece], *, gone: bool = False
) -> bool:
    """Turn `response` into our answer, in place; its cookies stay. Whether the pieces are ours."""
    if gone:
        silence(response)
    head, *rest = pieces
    if not isinstance(head, Head) or head.original:
        return False
    body = b"".join([piece.body for piece in rest if isinstance(piece, Chunk)])
    response.status_code = head.status
    response.reason_phrase = phrases.get(head.status, "Unknown Status Code")
    if isinstance(response, StreamingHttpResponse):
        # The iterator that is dropped stays among what `close` closes.
        response.streaming_content = _once(body) if isinstance(request, ASGIRequest) else [body]
    else:
        cast("HttpResponse", response).content = body
    _set_headers(response, head.headers)
    return True


def finish_envelope(
    setup: Setup, request: HttpRequest, response: EnvelopeResponse, request_id: str
) -> Reply | None:
    """Do to an envelope what can only be done when it leaves, and return it as it leaves.

    Middleware may have added to its headers, or encoded it. None where it is not what was
    made for this request any more.
    """
    found: Reply | None = response.reply
    status, content = response.status_code, response.content
    if not (
        status == response.reply.status
        and response.request_id == request_id
        and content == response.reply.body
        and request.method != "HEAD"
        and _TOUCHED.isdisjoint(response.headers._store)  # noqa: SLF001 - see put_id
    ):
        headers, info = list(response.items()), request_info(request)
        found = recognize(response.reply, status, headers, content, info, setup.config)
        if found is not None:
            body = b"" if request.method == "HEAD" else found.body
            head = Head(found.status, found.headers, original=False)
            replace_response(request, response, [head, Chunk(body, more=False)])
    if found is not None and response.unreported is not None:
        error, exc, info, unmapped = response.unreported
        setup.pipeline.report(error, exc, info, unmapped=unmapped)
    return found


def put_id(response: HttpResponseBase, setup: Setup, request_id: str) -> None:
    """Put the id header on a response, in place of any that the application set."""
    # Past the checks of `headers[...] = ...`, which cost more than all the rest of a success:
    # name and value are known to be sendable.
    response.headers._store[setup.key] = (setup.header, request_id)  # noqa: SLF001 - as said


def restore_when_closed(response: HttpResponseBase, previous: str | None) -> None:
    """Put the id back that was current before, when the response is closed.

    A stream logs with its id until then. The value is set rather than a token reset: under
    ASGI the response is closed in a thread, whose changes asgiref carries back.
    """
    # Django's own list of what to do then, which its stubs do not know.
    closers: list[Callable[[], object]] = getattr(response, "_resource_closers")  # noqa: B009 - as said
    closers.append(_forget if previous is None else partial(set_request_id, previous))


def silence(response: HttpResponseBase) -> None:
    """Keep Django from logging an answer that nobody waits for."""
    setattr(response, "_has_been_logged", True)  # noqa: B010 - Django's own mark, not in its stubs


def _set_headers(response: HttpResponseBase, pairs: Iterable[tuple[str, str]]) -> None:
    store: dict[str, tuple[str, str]] = {}
    for name, value in pairs:
        key = name.lower()
        if key not in store:
            store[key] = (name, value)
        elif key == "set-cookie":
            # Django's headers hold one value a name; cookies are what cannot be joined.
            response.cookies.load(value)
        else:
            store[key] = (name, f"{store[key][1]}, {value}")
    response.headers._store = store  # noqa: SLF001 - see put_id


async def _once(body: bytes) -> AsyncIterator[bytes]:
    yield body
