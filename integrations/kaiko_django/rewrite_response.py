"""Rewrites an error answer on its way out of the middleware.

The core's `ResponseState` decides what becomes of the answer. What only Django's layers know
is found out here: which exception is behind it, and that it is an envelope of ours already.
None of it waits for anything, so that both kinds of stack share it.
"""

from __future__ import annotations

from inspect import iscoroutine
from typing import TYPE_CHECKING, cast

from django.http import HttpResponse
from django.http.response import HttpResponseBase

from kaiko_django.error_handlers import SEEN, Seen
from kaiko_django.in_view import read_returned
from kaiko_django.layer_marks import layers_in
from kaiko_django.recognize import DJANGO_OWN, recognize
from kaiko_django.responses import (
    REPORTED,
    EnvelopeResponse,
    debugs_in_html,
    finish_envelope,
    replace_response,
    request_info,
    response_state,
    with_id,
)
from kaiko_middleware import KaikoError, Reply
from kaiko_middleware.content_coding import decode_body
from kaiko_middleware.foreign_answer import read_body
from kaiko_middleware.layers import PASS_THROUGH, Layers
from kaiko_middleware.make_error import error_for_status
from kaiko_middleware.map_exception import is_disconnect

if TYPE_CHECKING:
    from django.http import HttpRequest

    from kaiko_middleware.map_exception import Known
    from kaiko_middleware.pipeline import Pipeline
    from kaiko_middleware.report import RequestInfo
    from kaiko_middleware.response_pieces import Piece
    from kaiko_middleware.response_state import ResponseState

__all__ = ["rewrite_response"]


def rewrite_response(
    pipeline: Pipeline, request: HttpRequest, response: object, request_id: str, *, wrapped: bool
) -> HttpResponseBase:
    """Return the response as it leaves: the one given, or one in its place.

    Arguments:
        pipeline: the settings.
        request: the request that is answered.
        response: what the rest of the stack returned.
        request_id: the request's id.
        wrapped: whether an outer layer puts the id on a success.

    """
    if not isinstance(response, HttpResponseBase):
        if iscoroutine(response):
            response.close()  # it would warn that nobody awaited it
        text = f"a middleware returned no response but {type(response).__qualname__}"
        bug = pipeline.on_bug(text, request_info(request))
        response = EnvelopeResponse(bug.reply, request_id)
    # Not by its name: its type would say that it is an int.
    status: object = getattr(response, "status_code", None)
    if isinstance(status, int) and 100 <= status < 400:
        return response if wrapped or status < 200 else with_id(response, pipeline, request_id)
    layers = layers_in(request, request_id) if wrapped else None
    if isinstance(response, EnvelopeResponse):
        envelope = finish_envelope(pipeline, request, response, request_id)
        if envelope is not None:
            request.__dict__.pop(SEEN, None)
            if layers is not None:
                layers.reply = envelope.reply
            return envelope
    told = Layers(request_id) if layers is None else layers
    reported: object = request.__dict__.pop(REPORTED, None)
    if isinstance(reported, Reply):  # what middleware made of that answer is the same error
        told.reply = reported
    state = response_state(pipeline, request, told)
    pieces = _feed(pipeline, request, response, state)
    answer = replace_response(response, pieces, request_id, gone=state.client_gone)
    if answer is not None:
        return answer
    if layers is not None:
        layers.left_alone = True
    return with_id(response, pipeline, request_id)


def _feed(
    pipeline: Pipeline, request: HttpRequest, response: HttpResponseBase, state: ResponseState
) -> list[Piece]:
    """Feed an error answer to `state`; return what becomes of it."""
    # A view may have assigned a status that is none, which is a bug.
    given = cast("object", response.status_code)  # a view may set anything
    status = given if isinstance(given, int) else 0
    headers = list(response.items())
    seen: object = request.__dict__.pop(SEEN, None)
    as_it_is = bool(getattr(response, PASS_THROUGH, False))
    # A stream is dropped unread, a template unrendered.
    body = None
    if isinstance(response, HttpResponse) and getattr(response, "is_rendered", True):
        body = response.content
    behind: Seen | None = None
    if status and not as_it_is:
        if isinstance(seen, Seen) and seen.explains(response):
            if not _chose_answer(pipeline, request, seen):
                return _answer_exception(pipeline, seen, response, body, state)
            behind, state.answers_exception = seen, True
        elif pipeline.config.rewrite_answers:
            error = recognize(request, response) or _read(pipeline, request, response, body)
            if error is not None:
                return state.start_answer_to(error, status, headers)
    pieces = state.start(status, headers, as_it_is=as_it_is)
    if not pieces:
        pieces = state.other_body() if body is None else state.body(body, more=False)
    if behind is None:
        state.abandon()
        return pieces
    return [*pieces, *state.end_answer(behind.exception).pieces]


def _chose_answer(pipeline: Pipeline, request: HttpRequest, seen: Seen) -> bool:
    """Whether the project itself answers a bug: its `handler500`, or middleware since.

    Django's default page says nothing, so that it reads as what we would answer.
    """
    if seen.status != 500 or not pipeline.config.rewrite_answers or debugs_in_html(request):
        return False
    exc = seen.exception
    if is_disconnect(exc):
        return False
    return seen.unmapped or pipeline.find(exc, request_info(request)) is None


def _answer_exception(
    pipeline: Pipeline,
    seen: Seen,
    response: HttpResponseBase,
    body: bytes | None,
    state: ResponseState,
) -> list[Piece]:
    """Answer what Django, or its own handler, answers of an exception; return what to send."""
    exc = seen.exception
    words = _words_of_handler(pipeline, exc, state.request, response, body)
    known: Known | None = None if words is None else {type(exc): lambda _exc: words}
    return state.start_answer_to(
        exc,
        response.status_code,
        list(response.items()),
        body,
        unmapped=seen.unmapped,
        known=known,
    )


def _words_of_handler(
    pipeline: Pipeline,
    exc: BaseException,
    info: RequestInfo,
    response: HttpResponseBase,
    body: bytes | None,
) -> KaikoError | None:
    """Return the error in the words of the project's own handler; None if it has none.

    Only Django's own exceptions get there. What the service maps needs no other words.
    """
    status, mapping = response.status_code, pipeline.config.mapping
    if not body or not isinstance(exc, DJANGO_OWN) or mapping.handles(exc):
        return None
    error = pipeline.find(exc, info)
    if error is None or error.status != status or isinstance(exc, KaikoError):
        return None
    plain = decode_body(body, response.get("Content-Encoding", "")) or b""
    said = read_body(plain, status, response.get("Content-Type", ""))
    if said.message is None and said.code is None:
        return None
    return error_for_status(
        status, said.message or error.message, code=said.code or error.code, param=said.param
    )


def _read(
    pipeline: Pipeline, request: HttpRequest, response: HttpResponseBase, body: bytes | None
) -> KaikoError | None:
    """Return what a reader makes of an answer, unless its bytes are another protocol's error."""
    error = read_returned(request, response)
    if error is None:
        return None
    headers, info = list(response.items()), request_info(request)
    kept = pipeline.keep(response.status_code, headers, body, info)
    return error if kept is None else None
