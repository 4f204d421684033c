"""From the core's `Reply` to a Django response: a new one, or a changed copy of the one at hand.

A service may return the same response object again, so it is never changed in place. A copy takes
over its closers, and that Django has logged it.
"""

from __future__ import annotations

from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, TypeVar

from django.conf import settings
from django.http import HttpResponse
from django.http.cookie import SimpleCookie
from django.http.response import HttpResponseBase, ResponseHeaders

from kaiko_django.conf import current_pipeline
from kaiko_django.recognize import was_logged
from kaiko_middleware import Reply, current_request_id
from kaiko_middleware.config import served_path
from kaiko_middleware.headers import DESCRIBES_BODY, prefers_html, sendable
from kaiko_middleware.ids import set_request_id
from kaiko_middleware.render import SECONDS
from kaiko_middleware.report import RequestInfo
from kaiko_middleware.response_head import recognize
from kaiko_middleware.response_pieces import Chunk, Head
from kaiko_middleware.response_state import ResponseState
from kaiko_wsgi.environ import request_id_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from django.http import HttpRequest

    from kaiko_middleware import KaikoError
    from kaiko_middleware.layers import Layers
    from kaiko_middleware.map_exception import Known
    from kaiko_middleware.pipeline import Pipeline
    from kaiko_middleware.response_pieces import Piece

__all__ = [
    "NOTHING_BACK",
    "REPORTED",
    "EnvelopeResponse",
    "PuttingBack",
    "answer_mapped",
    "copied",
    "debugs_in_html",
    "error_response",
    "finish_envelope",
    "replace_response",
    "request_info",
    "response_state",
    "restore_when_closed",
    "silence",
    "with_id",
]

_R = TypeVar("_R", bound=HttpResponseBase)
_E = TypeVar("_E", bound="EnvelopeResponse")

# Header fields whose addition to an envelope needs a look.
_NEED_A_LOOK = DESCRIBES_BODY | SECONDS | {"access-control-allow-origin"}

REPORTED = "_kaiko_reported"
"""Where the request has the last answer that was made for it and reported."""


class PuttingBack(partial[object]):
    """Puts back the id that was current before; in a pickle of a response, it does nothing.

    A cache that is outside of our middleware pickles what it keeps. A partial is called in half
    the time of an object that has a `__call__`.
    """

    __slots__ = ()

    def __reduce__(self) -> tuple[type[object], tuple[object, ...]]:
        return partial, (bool,)


NOTHING_BACK = PuttingBack(set_request_id, None)
"""Where no id was current before."""


class EnvelopeResponse(HttpResponse):
    """A response that the toolkit made: `rewrite_response` recognizes it without reading it."""

    unreported: tuple[KaikoError, BaseException, RequestInfo, bool] | None = None
    """The error that is reported when this leaves, its exception, and whether it is unmapped."""
    reply: Reply
    request_id: str

    def __init__(self, reply: Reply, request_id: str) -> None:
        # Django's constructor costs as much as the rest of an error answer.
        self.__dict__ = {
            **_blank(),
            "headers": object.__new__(ResponseHeaders),
            "cookies": SimpleCookie(),
            "reply": reply,
            "request_id": request_id,
            "status_code": reply.status,
            "_resource_closers": [],
            "_container": [reply.body],
        }
        _fill_headers(self, reply)

    @property
    def is_as_made(self) -> bool:
        """Whether middleware did nothing to the headers but add some that need no look."""
        fields = (*self.headers._store.values(),)  # noqa: SLF001 - see `with_id`
        made = self.reply.headers
        if fields == made:
            return True
        number = len(made)
        return fields[:number] == made and not _need_a_look(fields[number:])


@lru_cache(maxsize=64)  # most middleware adds the same to each answer
def _need_a_look(added: tuple[tuple[str, str], ...]) -> bool:
    """Whether header fields that were added to an envelope have to be looked at."""
    kept, dropped = sendable(added)
    return bool(dropped) or any(name.lower() in _NEED_A_LOOK for name, _ in kept)


@lru_cache(maxsize=1)
def _blank() -> dict[str, object]:
    return vars(HttpResponse(content_type="application/json"))


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
    answer = current_pipeline().on_exception(error, info)
    request.__dict__[REPORTED] = answer.reply
    return EnvelopeResponse(answer.reply, info.request_id)


def answer_mapped(
    pipeline: Pipeline,
    request: HttpRequest,
    exc: BaseException,
    known: Known | None,
    made: type[_E],
) -> _E | None:
    """Report `exc` and return its answer; None where it has no mapping."""
    info = request_info(request)
    answer = pipeline.on_mapped(exc, info, known=known)
    if answer is None:
        return None
    request.__dict__[REPORTED] = answer.reply
    response = made(answer.reply, info.request_id)
    if answer.disconnected:
        silence(response)
    return response


def response_state(
    pipeline: Pipeline, request: HttpRequest, layers: Layers | None
) -> ResponseState:
    """Return the core's state for a response of Django's."""
    return ResponseState(
        pipeline,
        request_info(request),
        layers=layers,
        framework_debug=debugs_in_html(request),
        deferring=True,
    )


def debugs_in_html(request: HttpRequest) -> bool:
    """Whether Django's pages are left alone: in debug, for a client that prefers HTML."""
    return settings.DEBUG and prefers_html(request.META.get("HTTP_ACCEPT", ""))


def request_info(request: HttpRequest) -> RequestInfo:
    """Return what the core wants to know of a request."""
    found: object = request.__dict__.get("kaiko_request_id")
    request_id = found if isinstance(found, str) else current_request_id()
    if request_id is None:
        request_id = request_id_of(request.META, current_pipeline())
    meta, path = request.META, request.path
    if meta.get("SCRIPT_NAME"):  # on ASGI, not every server has it in the path
        path = served_path(path, str(meta["SCRIPT_NAME"]))
    return RequestInfo(
        request_id,
        str(request.method),
        path,
        str(meta.get("CONTENT_TYPE", "")),
        str(meta.get("HTTP_CONNECT_PROTOCOL_VERSION", "")),
    )


def replace_response(
    response: HttpResponseBase, pieces: Sequence[Piece], request_id: str, *, gone: bool = False
) -> HttpResponse | None:
    """Return our answer in place of `response`, with its cookies; None where it is its own."""
    head, *rest = pieces
    if not isinstance(head, Head) or head.original:
        return None
    body = b"".join([piece.body for piece in rest if isinstance(piece, Chunk)])
    reply = Reply(head.status, head.headers, body)
    if isinstance(response, HttpResponse):
        made = copied(response)
        made.cookies = SimpleCookie()
        made.content = body
    else:  # of a stream, what it closes stays
        made = EnvelopeResponse(reply, request_id)
        made.__dict__["_resource_closers"] = response.__dict__["_resource_closers"]
        made.__dict__["_has_been_logged"] = was_logged(response)
    made.cookies.update(response.cookies)
    _fill(made, reply)
    if gone:
        silence(made)
    return made


def finish_envelope(
    pipeline: Pipeline, request: HttpRequest, response: EnvelopeResponse, request_id: str
) -> EnvelopeResponse | None:
    """Do to an envelope what can only be done when it leaves, and return it as it leaves.

    Middleware may have added to its headers, or encoded it. None where it is not what was
    made for this request any more.
    """
    reply = response.reply
    status = response.status_code
    if not (
        status == reply.status
        and response.request_id == request_id
        and response.__dict__["_container"] == [reply.body]
        and request.method != "HEAD"
        and response.is_as_made
    ):
        headers, info = list(response.items()), request_info(request)
        found = recognize(reply, status, headers, response.content, info, pipeline.config)
        if found is None:
            return None
        response = copied(response)
        response.reply = found
        response.content = b"" if request.method == "HEAD" else found.body
        _fill(response, found)
    if response.unreported is not None:
        error, exc, info, unmapped = response.unreported
        pipeline.report(error, exc, info, unmapped=unmapped)
    return response


def with_id(response: _R, pipeline: Pipeline, request_id: str) -> _R:
    """Return `response` with the id header, in place of any that the application set.

    It is a copy, but of a stream, which is sent once.
    """
    if not response.streaming:
        response = copied(response)
    # Past the checks of `headers[...] = ...`, which cost more than all the rest of a success:
    # name and value are known to be sendable.
    response.headers._store[pipeline.id_key] = (pipeline.id_header, request_id)  # noqa: SLF001 - see above
    return response


def restore_when_closed(response: HttpResponseBase, previous: str | None) -> None:
    """Put the id back that was current before, when the response is closed.

    A stream logs with its id until then. The value is set rather than a token reset: under
    ASGI the response is closed in a thread, whose changes asgiref carries back.
    """
    # Django's own list of what to do then, which its stubs do not know. To ask for `__dict__` would
    # have Python make that.
    closing: Any = response
    closers: list[Callable[[], object]] = closing._resource_closers  # noqa: SLF001 - see above
    closers.append(NOTHING_BACK if previous is None else PuttingBack(set_request_id, previous))


def silence(response: HttpResponseBase) -> None:
    """Keep Django from logging an answer that nobody waits for."""
    response.__dict__["_has_been_logged"] = True


def copied(response: _R) -> _R:
    """Return a copy, whose headers and closers can be changed."""
    copy = object.__new__(type(response))
    copy.__dict__ = {
        **response.__dict__,
        "headers": (headers := object.__new__(ResponseHeaders)),
        "_resource_closers": [*response.__dict__["_resource_closers"]],
    }
    headers._store = response.headers._store.copy()  # noqa: SLF001 - see `with_id`
    return copy


def _fill(response: HttpResponse, reply: Reply) -> None:
    """Give a response the head of `reply`; its cookies stay."""
    # Without a phrase, Django takes the status's.
    response.__dict__.update(status_code=reply.status, _reason_phrase=None)
    _fill_headers(response, reply)


def _fill_headers(response: HttpResponse, reply: Reply) -> None:
    store = {pair[0].lower(): pair for pair in reply.headers}
    if len(store) != len(reply.headers):
        store = {}
        for name, value in reply.headers:
            key = name.lower()
            if key == "set-cookie" and key in store:
                # Django's headers hold one value a name; cookies are what cannot be joined.
                response.cookies.load(value)
            else:
                store[key] = (name, f"{store[key][1]}, {value}" if key in store else value)
    response.headers._store = store  # noqa: SLF001 - see `with_id`
