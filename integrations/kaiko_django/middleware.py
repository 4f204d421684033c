"""The middleware for `MIDDLEWARE`: first in the list, for synchronous and asynchronous stacks.

One factory with two closures, so that neither stack changes threads for it. A success costs
an id, a context variable and a header. A mapped exception is answered in `process_exception`;
Django handles any other as ever (one log record, one signal, one event of an error tracker),
and its finished answer is rewritten by `rewrite_response`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from inspect import iscoroutinefunction
from sys import getrefcount
from typing import TYPE_CHECKING, Any, cast

from django.http import HttpResponse
from django.utils.decorators import sync_and_async_middleware

from kaiko_django.conf import current, current_pipeline
from kaiko_django.error_handlers import SEEN, Seen, install_handlers
from kaiko_django.layer_marks import layers_in, outer_id
from kaiko_django.missing_apps import note_missing_apps
from kaiko_django.neighbours import note_neighbours
from kaiko_django.recognize import DJANGO_OWN, django_status
from kaiko_django.responses import (
    NOTHING_BACK,
    EnvelopeResponse,
    PuttingBack,
    answer_mapped,
    copied,
    request_info,
    restore_when_closed,
    silence,
)
from kaiko_django.rewrite_response import rewrite_response
from kaiko_django.streams import Stream
from kaiko_middleware import KaikoError, current_request_id
from kaiko_middleware.arguments import takes, wrong_argument
from kaiko_middleware.ids import set_request_id
from kaiko_middleware.layers import COVERED
from kaiko_wsgi.environ import request_id_of

if TYPE_CHECKING:
    from django.http import HttpRequest, StreamingHttpResponse
    from django.http.response import HttpResponseBase

    from kaiko_middleware.pipeline import Pipeline

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
        TypeError: `get_response` is something else, such as a whole application.
        ConfigError: the setting `KAIKO_MIDDLEWARE` is wrong.

    Implements sections 5, 8 and 9 of the V2 contract.

    """
    _require(get_response)
    note_neighbours(current_pipeline().config)
    note_missing_apps()
    install_handlers()
    middleware: GetResponse | GetResponseAsync
    if iscoroutinefunction(get_response):
        middleware = _asynchronous(cast("GetResponseAsync", get_response))  # as was asked
    else:
        middleware = _synchronous(cast("GetResponse", get_response))  # likewise
    # Django looks for the hook on what the factory returns.
    setattr(middleware, "process_exception", _process_exception)  # noqa: B010 - functions declare none
    return middleware


def _require(get_response: object) -> None:
    if callable(get_response) and takes(get_response, 1):
        return
    due = "kaiko_django.KaikoMiddleware goes into MIDDLEWARE, and takes Django's get_response"
    hint = "for a whole project, use kaiko_django.get_wsgi_application or get_asgi_application"
    raise wrong_argument(due, get_response, hint)


def _synchronous(get_response: GetResponse) -> GetResponse:
    def middleware(request: HttpRequest) -> HttpResponseBase:
        pipeline = current[0] if current else current_pipeline()
        previous = current_request_id()
        marked: Any = request  # stubs do not know its id
        try:  # what `_begin` does for most requests, without a call
            request_id = pipeline.pop_id() if previous is None else None
        except IndexError:
            request_id = None
        if request_id is None:
            request_id = _begin(pipeline, request, previous)
        else:
            set_request_id(request_id)
            marked.kaiko_request_id = request_id
        try:
            response = get_response(request)
            if isinstance(response, HttpResponse) and response.status_code in _FINE:
                return _succeed(pipeline, response, request_id, previous)
            left = _leave(pipeline, request, response, request_id, previous)
            return left.hold() if isinstance(left, Stream) else left
        except BaseException:
            set_request_id(previous)
            raise

    return middleware


def _asynchronous(get_response: GetResponseAsync) -> GetResponseAsync:
    async def middleware(request: HttpRequest) -> HttpResponseBase:
        pipeline = current[0] if current else current_pipeline()
        previous = current_request_id()
        request_id = _begin(pipeline, request, previous)
        try:
            response = await get_response(request)
            if isinstance(response, HttpResponse) and response.status_code in _FINE:
                return _succeed(pipeline, response, request_id, previous)
            left = _leave(pipeline, request, response, request_id, previous)
            return await left.hold_async() if isinstance(left, Stream) else left
        except (KeyboardInterrupt, SystemExit) as exc:
            answered = _answer_exit(pipeline, request, exc) if request_id is previous else None
            if answered is None:
                set_request_id(previous)
                raise
            return answered
        except BaseException:
            set_request_id(previous)
            raise

    return middleware


def _succeed(
    pipeline: Pipeline, response: HttpResponseBase, request_id: str | None, previous: str | None
) -> HttpResponseBase:
    """Return a success as it leaves; an outer layer, or nobody, puts the current id there."""
    if request_id is previous:
        return response
    if request_id is not None:
        if getrefcount(response) > _ALONE:  # a service may return the same object again
            response = copied(response)
        # with_id, without a call
        response.headers._store[pipeline.id_key] = (pipeline.id_header, request_id)  # noqa: SLF001 - as there
    # restore_when_closed, likewise
    closing: Any = response
    closing._resource_closers.append(  # noqa: SLF001 - as there
        NOTHING_BACK if previous is None else PuttingBack(set_request_id, previous)
    )
    return response


def _references(response: object) -> int:
    return getrefcount(response)


def _count() -> int:
    response = object()
    return _references(response)


_ALONE = _count()
"""What `_succeed` counts for a response that nobody else has."""


def _leave(
    pipeline: Pipeline,
    request: HttpRequest,
    response: HttpResponseBase,
    request_id: str | None,
    previous: str | None,
) -> HttpResponseBase | Stream:
    """Return the response as it leaves, or a stream whose first chunk may have to be awaited."""
    wrapped = request_id is previous  # an outer layer put the id there, and puts it back
    if request_id is not None:
        response = rewrite_response(pipeline, request, response, request_id, wrapped=wrapped)
    if not wrapped:
        restore_when_closed(response, previous)
    if request_id is not None and response.streaming and response.status_code < 400:
        stream = cast("StreamingHttpResponse", response)  # `streaming` says so
        return Stream(pipeline, request, stream, wrapped=wrapped)
    return response


def _answer_exit(
    pipeline: Pipeline, request: HttpRequest, exc: BaseException
) -> HttpResponseBase | None:
    """Answer what ends the process, where an outer layer raises it later.

    Django runs the view in a separate task. One that ends so ends the event loop, and no
    answer can be sent any more.
    """
    info = request_info(request)
    layers = layers_in(request, info.request_id)
    if layers.exit_taker is None:
        return None
    layers.exit_taker(exc)
    answer = pipeline.on_exception(exc, info)
    layers.reply = answer.reply
    response = EnvelopeResponse(answer.reply, info.request_id)
    silence(response)
    return response


def _begin(pipeline: Pipeline, request: HttpRequest, previous: str | None) -> str | None:
    """Give the request its id; None where its path is not ours."""
    if not pipeline.covers_everything and not pipeline.config.covers(request.path_info):
        request.__dict__[COVERED] = False
        if previous is not None:
            # It must not see the id of a request that called it in process.
            set_request_id(None)
        return None
    if previous is not None and outer_id(request) == previous:
        request_id = previous  # what a server left of another request's state is not current
    else:
        request_id = request_id_of(request.META, pipeline)
        if request_id is previous:
            # A test client passes on the very object, which would mean one request in two layers.
            request_id = request_id.encode().decode()
        set_request_id(request_id)
    marked: Any = request  # stubs do not know its id
    marked.kaiko_request_id = request_id
    return request_id


def _process_exception(request: HttpRequest, exception: Exception) -> HttpResponseBase | None:
    """Answer what a view raised, where it has a mapping."""
    if "kaiko_request_id" not in request.__dict__:  # a path that is not ours
        return None
    response = None
    # Django answers its own exceptions itself, and logs attacks on `django.security`.
    unmapped = isinstance(exception, KaikoError) or not isinstance(exception, DJANGO_OWN)
    if unmapped:
        pipeline = current[0] if current else current_pipeline()
        response = answer_mapped(pipeline, request, exception, None, EnvelopeResponse)
    if response is None:  # Django answers it; an unmapped one it logs and signals
        status = 500 if unmapped else django_status(exception)
        request.__dict__[SEEN] = Seen(exception, status, unmapped)
    return response
