"""The service on Django: requests become calls, results become responses.

The views are synchronous and work under WSGI and ASGI. Only streams differ: Django needs an
iterator under WSGI and an asynchronous one under ASGI. No view catches anything:
`kaiko_django.KaikoMiddleware` answers the service's exceptions. No view looks at a key either: the
guards of the setting `KAIKO_GUARDS` run before any of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.urls import path
from django.views.decorators.http import require_http_methods

from kaiko_demo.schemas import (
    AnalysisRequest,
    BatchRequest,
    ChatRequest,
    NewContext,
    NewMessages,
)
from kaiko_middleware import parse_body

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from django.urls import URLPattern
    from pydantic import BaseModel

    from kaiko_demo.events import Stream
    from kaiko_demo.service import DemoService

__all__ = ["urls"]


def urls(service: DemoService) -> list[URLPattern]:
    """Return the routes.

    Arguments:
        service: The service behind them.
    """
    views = _Views(service)
    get, post = require_http_methods(["GET", "HEAD"]), require_http_methods(["POST"])
    return [
        path("v2/models", get(views.models)),
        path("v2/contexts", post(views.create_context)),
        path("v2/contexts/<str:context_id>", get(views.context)),
        path("v2/contexts/<str:context_id>/messages", post(views.add_messages)),
        path("v2/archive/<str:context_id>", get(views.archived_context)),
        path("v2/analyses", post(views.analyse)),
        path("v2/analyses/batch", post(views.analyse_batch)),
        path("v2/chat", post(views.chat)),
    ]


class _Views:
    def __init__(self, service: DemoService) -> None:
        self._service = service

    def models(self, _request: HttpRequest) -> HttpResponse:
        return _answer(self._service.models())

    def create_context(self, request: HttpRequest) -> HttpResponse:
        body = parse_body(NewContext, request.body)
        return _answer(self._service.create_context(body), status=201)

    def context(self, _request: HttpRequest, context_id: str) -> HttpResponse:
        return _answer(self._service.context(context_id))

    def add_messages(self, request: HttpRequest, context_id: str) -> HttpResponse:
        body = parse_body(NewMessages, request.body)
        return _answer(self._service.add_messages(context_id, body), status=201)

    def archived_context(self, _request: HttpRequest, context_id: str) -> HttpResponse:
        return _answer(self._service.archived_context(context_id))

    def analyse(self, request: HttpRequest) -> HttpResponseBase:
        body = parse_body(AnalysisRequest, request.body)
        if body.stream:
            return _stream(request, self._service.stream(body))
        return _answer(self._service.analyse(body))

    def analyse_batch(self, request: HttpRequest) -> HttpResponse:
        body = parse_body(BatchRequest, request.body)
        return _answer(self._service.analyse_batch(body))

    def chat(self, request: HttpRequest) -> HttpResponseBase:
        body = parse_body(ChatRequest, request.body)
        if body.stream:
            return _stream(request, self._service.stream_chat(body))
        return _answer(self._service.chat(body))


def _stream(request: HttpRequest, stream: Stream) -> HttpResponseBase:
    pieces = stream.pieces
    return StreamingHttpResponse(
        _awaited(pieces) if isinstance(request, ASGIRequest) else pieces,
        content_type=stream.content_type,
    )


async def _awaited(events: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Make an iterator asynchronous: each step runs in a thread."""

    def step() -> bytes | None:
        return next(events, None)

    while (item := await sync_to_async(step)()) is not None:
        yield item


def _answer(result: BaseModel, *, status: int = 200) -> HttpResponse:
    return HttpResponse(
        result.model_dump_json(),
        status=status,
        content_type="application/json",
    )
