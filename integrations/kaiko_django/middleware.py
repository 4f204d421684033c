"""The middleware for `MIDDLEWARE`: first in the list, for synchronous and asynchronous stacks.

One factory with two closures, so that neither stack changes threads for it. A success costs
an id, a context variable and a header. A mapped exception is answered in `process_exception`;
Django handles any other as ever (one log record, one signal, one event of an error tracker),
and its finished answer is rewritten by `rewrite_response`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, cast

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.core.signals import got_request_exception
from django.http import StreamingHttpResponse
from django.utils.decorators import sync_and_async_middleware

from kaiko_django.conf import current, current_setup
from kaiko_django.error_handlers import SEEN, Seen, install_handlers
from kaiko_django.layer_marks import layers_in, outer_id
from kaiko_django.neighbours import note_neighbours
from kaiko_django.recognize import DJANGO_OWN, django_status
from kaiko_django.responses import (
    EnvelopeResponse,
    request_info,
    restore_when_closed,
    silence,
)
from kaiko_django.rewrite_response import rewrite_response
from kaiko_django.streams import Stream
from kaiko_middleware import KaikoError, current_request_id
from kaiko_middleware.ids import set_request_id
from kaiko_middleware.report import RequestInfo

if TYPE_CHECKING:
    from django.http import HttpRequest
    from django.http.response import HttpResponseBase

    from kaiko_wsgi.setup import Setup

__all__ = ["KaikoMiddleware"]

GetResponse = Callable[["HttpRequest"], "HttpResponseBase"]
GetResponseAsync = Callable[["HttpRequest"], Awaitable["HttpResponseBase"]]

# What a view returns when all is well, and needs no look.
_FINE = frozenset(range(200, 400))


@sync_and_async_middleware
def KaikoMiddleware(  # noqa: N802 - the name in MIDDLEWARE, where Django's are classes
    get_response: GetResponse | GetResponseAsync,
) -> GetResponse | GetResponseAsync:
    """Make every error answer of the project an envelope, and give each request its id.

    Put `"kaiko_django.KaikoMiddleware"` first in `MIDDLEWARE`. The id is
    `request.kaiko_request_id`, `kaiko_middleware.current_request_id()` and the response's
    `X-Request-ID`.

    Arguments:
        get_response: the rest of the stack; Django passes it.

    Raises:
        ConfigError: the setting `KAIKO_MIDDLEWARE` is wrong.

    Implements sections 5, 8 and 9 of the V2 contract.

    """
    note_neighbours(current_setup().config)
    install_handlers()
    middleware: GetResponse | GetResponseAsync
    if iscoroutinefunction(get_response):
        middleware = _asynchronous(cast("GetResponseAsync", get_response))
    else:
        middleware = _synchronous(cast("GetResponse", get_response))
    # Django looks for the hook on what the factory returns.
    setattr(middleware, "process_exception", _process_exception)  # noqa: B010 - functions declare none
    return middleware


def _synchronous(get_response: GetResponse) -> GetResponse:
    def middleware(request: HttpRequest) -> HttpResponseBase:
        setup = current[0] if current else current_setup()
        previous = current_request_id()
        request_id = _begin(setup, request, previous)
        wrapped = request_id == previous
        try:
            response = get_response(request)
            if request_id is None:
                pass
            elif getattr(response, "status_code", None) in _FINE and not response.streaming:
                if not wrapped:  # put_id, without a call
                    response.headers._store[setup.key] = (setup.header, request_id)  # noqa: SLF001 - as there
            else:
                response = rewrite_response(setup, request, response, request_id, wrapped=wrapped)
                if isinstance(response, StreamingHttpResponse) and response.status_code < 400:
                    _stream(setup, request, response, wrapped=wrapped)
        except BaseException:
            set_request_id(previous)
            raise
        if not wrapped:
            restore_when_closed(response, previous)
        return response

    return middleware


def _asynchronous(get_response: GetResponseAsync) -> GetResponseAsync:
    async def middleware(request: HttpRequest) -> HttpResponseBase:
        setup = current[0] if current else current_setup()
        previous = current_request_id()
        request_id = _begin(setup, request, previous)
        wrapped = request_id == previous
        try:
            response = await get_response(request)
            if request_id is None:
                pass
            elif getattr(response, "status_code", None) in _FINE and not response.streaming:
                if not wrapped:  # put_id, without a call
                    response.headers._store[setup.key] = (setup.header, request_id)  # noqa: SLF001 - as there
            else:
                response = rewrite_response(setup, request, response, request_id, wrapped=wrapped)
                if isinstance(response, StreamingHttpResponse) and response.status_code < 400:
                    await _stream_async(setup, request, response, wrapped=wrapped)
        except (KeyboardInterrupt, SystemExit) as exc:
            answered = _answer_exit(setup, request, exc) if wrapped else None
            if answered is None:
                set_request_id(previous)
                raise
            response = answered
        except BaseException:
            set_request_id(previous)
            raise
        if not wrapped:
            restore_when_closed(response, previous)
        return response

    return middleware


def _answer_exit(setup: Setup, request: HttpRequest, exc: BaseException) -> HttpResponseBase | None:
    """Answer what ends the process, where an outer layer raises it later.

    Django runs the view in a separate task. One that ends so ends the event loop, and no
    answer can be sent any more.
    """
    info = request_info(request)
    layers = layers_in(request, info.request_id)
    if layers.exit_taker is None:
        return None
    layers.exit_taker(exc)
    answer = setup.pipeline.on_exception(exc, info)
    layers.reply = answer.reply
    response = EnvelopeResponse(answer.reply, info.request_id)
    silence(response)
    return response


def _begin(setup: Setup, request: HttpRequest, previous: str | None) -> str | None:
    """Give the request its id; None where its path is not ours."""
    if not setup.everywhere and not setup.config.covers(request.path):
        if previous is not None:
            # It must not see the id of a request that called it in process.
            set_request_id(None)
        return None
    outer = None if previous is None else outer_id(request)
    request_id = setup.request_id(request.META) if outer is None else outer
    if outer is None:
        set_request_id(request_id)
    setattr(request, "kaiko_request_id", request_id)  # noqa: B010 - stubs do not know it
    return request_id


def _process_exception(request: HttpRequest, exception: Exception) -> HttpResponseBase | None:
    """Answer what a view raised, where it has a mapping."""
    request_id: object = request.__dict__.get("kaiko_request_id")
    if not isinstance(request_id, str):  # a path that is not ours
        return None
    if isinstance(exception, DJANGO_OWN) and not isinstance(exception, KaikoError):
        # Django answers its own exceptions itself, and logs attacks on `django.security`.
        setattr(request, SEEN, Seen(exception, django_status(exception), unmapped=False))
        return None
    setup = current[0] if current else current_setup()
    info = RequestInfo(request_id, request.method or "-", request.path)
    answer = setup.pipeline.on_mapped(exception, info)
    if answer is None:
        # Django logs and signals it, and answers 500.
        setattr(request, SEEN, Seen(exception, 500, unmapped=True))
        return None
    response = EnvelopeResponse(answer.reply, request_id)
    if answer.disconnected:
        silence(response)
    return response


def _stream(
    setup: Setup, request: HttpRequest, response: StreamingHttpResponse, *, wrapped: bool
) -> None:
    stream = Stream(setup, request, response, wrapped=wrapped)
    if stream.is_held and not response.is_async:
        try:
            stream.hold()
        except Exception as exc:  # noqa: BLE001 - whatever the stream raises is answered
            if stream.answer(exc):
                got_request_exception.send(sender=None, request=request)
    else:
        stream.guard()


async def _stream_async(
    setup: Setup, request: HttpRequest, response: StreamingHttpResponse, *, wrapped: bool
) -> None:
    stream = Stream(setup, request, response, wrapped=wrapped)
    # A synchronous iterator blocks, and Django reads it whole in a thread: only an outer
    # layer can hold the head until then.
    if stream.is_held and response.is_async and isinstance(request, ASGIRequest):
        try:
            await stream.hold_async()
        except Exception as exc:  # noqa: BLE001 - whatever the stream raises is answered
            if stream.answer(exc):
                # In a thread, as Django does: receivers may block, and ask which exception.
                send = sync_to_async(got_request_exception.send, thread_sensitive=False)
                await send(sender=None, request=request)
    else:
        stream.guard()
