"""The service on Starlette: requests become calls, results become responses.

No endpoint catches anything: `kaiko_starlette.install` answers the service's exceptions. No
endpoint looks at a key either: `GuardMiddleware` runs the guards before any of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

import kaiko_starlette
from kaiko_demo.schemas import (
    AnalysisRequest,
    BatchRequest,
    ChatRequest,
    NewContext,
    NewMessages,
)
from kaiko_guards.asgi import GuardMiddleware
from kaiko_middleware import parse_body

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic import BaseModel
    from starlette.requests import Request

    from kaiko_demo.events import Stream
    from kaiko_demo.service import DemoService
    from kaiko_guards import Guard

__all__ = ["create_app"]


def create_app(service: DemoService, guards: Iterable[Guard]) -> Starlette:
    """Return the application.

    Arguments:
        service: The service behind it.
        guards: Who may call it, how often and with how much.
    """
    endpoints = _Endpoints(service)
    app = Starlette(
        routes=[
            Route("/v2/models", endpoints.models, methods=["GET"]),
            Route("/v2/contexts", endpoints.create_context, methods=["POST"]),
            Route("/v2/contexts/{context_id}", endpoints.context, methods=["GET"]),
            Route("/v2/contexts/{context_id}/messages", endpoints.add_messages, methods=["POST"]),
            Route("/v2/archive/{context_id}", endpoints.archived_context, methods=["GET"]),
            Route("/v2/analyses", endpoints.analyse, methods=["POST"]),
            Route("/v2/analyses/batch", endpoints.analyse_batch, methods=["POST"]),
            Route("/v2/chat", endpoints.chat, methods=["POST"]),
        ]
    )
    # As on Django: a path that differs by its last slash is unknown, not redirected.
    app.router.redirect_slashes = False
    app.add_middleware(GuardMiddleware, guards=guards)
    kaiko_starlette.install(app)
    return app


class _Endpoints:
    def __init__(self, service: DemoService) -> None:
        self._service = service

    async def models(self, _request: Request) -> Response:
        return _answer(self._service.models())

    async def create_context(self, request: Request) -> Response:
        body = parse_body(NewContext, await request.body())
        return _answer(self._service.create_context(body), status=201)

    async def context(self, request: Request) -> Response:
        return _answer(self._service.context(request.path_params["context_id"]))

    async def add_messages(self, request: Request) -> Response:
        body = parse_body(NewMessages, await request.body())
        context_id = request.path_params["context_id"]
        return _answer(self._service.add_messages(context_id, body), status=201)

    async def archived_context(self, request: Request) -> Response:
        context_id = request.path_params["context_id"]
        found = await run_in_threadpool(self._service.archived_context, context_id)
        return _answer(found)

    async def analyse(self, request: Request) -> Response:
        body = parse_body(AnalysisRequest, await request.body())
        if body.stream:
            return _stream(self._service.stream(body))
        return _answer(self._service.analyse(body))

    async def analyse_batch(self, request: Request) -> Response:
        body = parse_body(BatchRequest, await request.body())
        return _answer(self._service.analyse_batch(body))

    async def chat(self, request: Request) -> Response:
        body = parse_body(ChatRequest, await request.body())
        # Wait for the language model in a thread, to keep the event loop free.
        if body.stream:
            return _stream(await run_in_threadpool(self._service.stream_chat, body))
        return _answer(await run_in_threadpool(self._service.chat, body))


def _answer(result: BaseModel, *, status: int = 200) -> Response:
    return Response(result.model_dump_json(), status, media_type="application/json")


def _stream(stream: Stream) -> Response:
    return StreamingResponse(stream.pieces, headers={"Content-Type": stream.content_type})
