"""The way out: what the middleware does to an answer that is not a plain success.

None of it waits for anything, so that both kinds of stack share it.
"""

from __future__ import annotations

from functools import partial
from inspect import iscoroutine
from typing import TYPE_CHECKING

from django.conf import settings
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

from kaiko_django._streams import guard, is_held
from kaiko_django.in_view import read_returned
from kaiko_django.layer_marks import layers_in
from kaiko_django.recognize import Seen, recognize, take_seen
from kaiko_django.responses import EnvelopeResponse, finish_envelope, put_id, request_info, rewrite
from kaiko_middleware import ServerError
from kaiko_middleware.headers import prefers_html
from kaiko_middleware.pipeline import Answer
from kaiko_middleware.response_head import cors_fields

if TYPE_CHECKING:
    from django.http import HttpRequest

    from kaiko_django.conf import Setup

__all__ = ["answer_early_failure", "guard_stream", "settle", "silence"]


def settle(
    setup: Setup, request: HttpRequest, response: object, request_id: str, *, wrapped: bool
) -> HttpResponseBase:
    """Return the response as it leaves: the one given, or a new one where there is none.

    Arguments:
        setup: the settings.
        request: the request that is answered.
        response: what the rest of the stack returned.
        request_id: the request's id.
        wrapped: whether an outer layer puts the id on a success.

    """
    if not isinstance(response, HttpResponseBase):
        return _no_response(setup, request, response, request_id)
    status = _status(response)
    if 200 <= status < 400:
        if not wrapped:
            put_id(response, setup, request_id)
        return response
    if 100 <= status < 200:
        return response
    seen = take_seen(request)
    if isinstance(response, EnvelopeResponse):
        reply = finish_envelope(setup, request, response, request_id)
        if reply is not None:
            layers_in(request, request_id).reply = reply
            return response
    if getattr(response, "kaiko_passthrough", False) or (
        not setup.config.rewrite_answers and not (seen and seen.explains(response))
    ):
        put_id(response, setup, request_id)
        layers_in(request, request_id).left_alone = True
        return response
    answer = _answer(setup, request, response, seen)
    if _is_debug_page(request, response):
        put_id(response, setup, request_id)
        layers_in(request, request_id).left_alone = True
        return response
    if answer.disconnected:
        silence(response)
    rewrite(request, response, answer.reply)
    layers_in(request, request_id).reply = answer.reply
    return response


def guard_stream(
    setup: Setup, request: HttpRequest, response: StreamingHttpResponse, *, wrapped: bool
) -> None:
    """End a stream that fails with an envelope, where its content type allows that.

    Arguments:
        setup: the settings.
        request: the request that is answered.
        response: the stream.
        wrapped: whether an outer layer holds the head back, and answers what fails first.

    """
    on_failure = partial(_on_stream_failure, setup, request)
    silent = request.method == "HEAD"
    let_first_pass = wrapped and is_held(response, setup.config)
    guard(response, on_failure, let_first_pass=let_first_pass, silent=silent)


def answer_early_failure(
    setup: Setup, request: HttpRequest, response: StreamingHttpResponse, exc: Exception
) -> Answer:
    """Turn a stream that failed before its first chunk into an error answer."""
    # Of a success that never was, only what middleware said to the browser stays.
    kept = cors_fields(list(response.items()))
    info = request_info(request)
    answer = setup.pipeline.on_exception(exc, info, replaced=kept)
    if answer.disconnected:
        silence(response)
    response.cookies.clear()
    rewrite(request, response, answer.reply)
    layers_in(request, info.request_id).reply = answer.reply
    return answer


def silence(response: HttpResponseBase) -> None:
    """Keep Django from logging an answer that nobody waits for."""
    setattr(response, "_has_been_logged", True)  # noqa: B010 - Django's own mark, not in its stubs


def _no_response(
    setup: Setup, request: HttpRequest, returned: object, request_id: str
) -> HttpResponseBase:
    if iscoroutine(returned):
        returned.close()  # it would warn that nobody awaited it
    text = f"a middleware returned no response but {type(returned).__qualname__}"
    answer = setup.pipeline.on_bug(text, request_info(request))
    response = EnvelopeResponse(answer.reply, request_id)
    finish_envelope(setup, request, response, request_id)
    layers_in(request, request_id).reply = answer.reply
    return response


def _is_debug_page(request: HttpRequest, response: HttpResponseBase) -> bool:
    """Whether this is a page of Django's for a developer who asked for one."""
    return (
        settings.DEBUG
        and response.get("Content-Type", "").startswith("text/html")
        and prefers_html(request.META.get("HTTP_ACCEPT", ""))
    )


def _answer(
    setup: Setup, request: HttpRequest, response: HttpResponseBase, seen: Seen | None
) -> Answer:
    """Find out what the answer stands for, report it and render ours."""
    pipeline, info = setup.pipeline, request_info(request)
    status = _status(response)
    if not status:
        return pipeline.on_bug(f"no server would send status {response.status_code!a}", info)
    headers = list(response.items())
    if seen is not None and seen.explains(response):
        if not seen.unmapped:
            return pipeline.on_exception(seen.exception, info, replaced=headers)
        bug = ServerError()
        pipeline.report(bug, seen.exception, info, unmapped=True)
        return Answer(pipeline.render(bug, info, headers), bug, unmapped=True, disconnected=False)
    error = recognize(request, response)
    if error is None:
        error = read_returned(request, response)
    if error is not None:
        return pipeline.on_exception(error, info, replaced=headers)
    return pipeline.on_answer(status, headers, _body(response), info)


def _status(response: HttpResponseBase) -> int:
    """Return the status; 0 where a view assigned one that nobody can send."""
    # Not by its name: its type would say that it is an int.
    status: object = getattr(response, "status_code", None)
    return status if isinstance(status, int) and 100 <= status <= 599 else 0


def _body(response: HttpResponseBase) -> bytes | None:
    if isinstance(response, HttpResponse) and getattr(response, "is_rendered", True):
        return response.content
    # A stream is dropped unread, a template unrendered.
    return None


def _on_stream_failure(setup: Setup, request: HttpRequest, exc: Exception) -> Answer:
    return setup.pipeline.on_exception(exc, request_info(request))
