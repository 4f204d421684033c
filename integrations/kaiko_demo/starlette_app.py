"""The service on Starlette: requests become calls, results become responses.

No endpoint catches anything: `kaiko_starlette.install` answers the service's exceptions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

import kaiko_starlette
from kaiko_demo.events import EVENT_STREAM
from kaiko_demo.schemas import (
    AnalysisRequest,
    BatchRequest,
    ChatRequest,
    NewContext,
    NewMessages,
)
from kaiko_middleware import parse_body

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import BaseModel
    from starlette.requests import Request

    from kaiko_demo.limiter import Quota
    from kaiko_demo.service import DemoService

__all__ = ["create_app"]


def create_app(service: DemoService) -> Starlette:
    """Return the application.

    Arguments:
        service: The service behind it.
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
    kaiko_starlette.install(app)
    return app


class _Endpoints:
    def __init__(self, service: DemoService) -> None:
        self._service = service

    async def models(self, request: Request) -> Response:
        quota = self._admit(request)
        return _answer(self._service.models(), quota)

    async def create_context(self, request: Request) -> Response:
        quota = self._admit(request)
        body = parse_body(NewContext, await self._read(request))
        return _answer(self._service.create_context(body), quota, status=201)

    async def context(self, request: Request) -> Response:
        quota = self._admit(request)
        return _answer(self._service.context(request.path_params["context_id"]), quota)

    async def add_messages(self, request: Request) -> Response:
        quota = self._admit(request)
        body = parse_body(NewMessages, await self._read(request))
        context_id = request.path_params["context_id"]
        return _answer(self._service.add_messages(context_id, body), quota, status=201)

    async def archived_context(self, request: Request) -> Response:
        quota = self._admit(request)
        context_id = request.path_params["context_id"]
        found = await run_in_threadpool(self._service.archived_context, context_id)
        return _answer(found, quota)

    async def analyse(self, request: Request) -> Response:
        quota = self._admit(request)
        body = parse_body(AnalysisRequest, await self._read(request))
        if body.stream:
            return _stream(self._service.stream(body), quota)
        return _answer(self._service.analyse(body), quota)

    async def analyse_batch(self, request: Request) -> Response:
        quota = self._admit(request)
        body = parse_body(BatchRequest, await self._read(request))
        return _answer(self._service.analyse_batch(body), quota)

    async def chat(self, request: Request) -> Response:
        quota = self._admit(request)
        body = parse_body(ChatRequest, await self._read(request))
        # Wait for the language model in a thread, to keep the event loop free.
        if body.stream:
            return _stream(await run_in_threadpool(self._service.stream_chat, body), quota)
        return _answer(await run_in_threadpool(self._service.chat, body), quota)

    def _admit(self, request: Request) -> Quota:
        return self._service.admit(request.headers.get("x-api-key"))

    async def _read(self, request: Request) -> bytes:
        body = self._service.body(request.headers.get("content-length"))
        async for part in request.stream():
            body.add(part)
        return body.whole()


def _answer(result: BaseModel, quota: Quota, *, status: int = 200) -> Response:
    return Response(
        result.model_dump_json(), status, headers=quota.headers(), media_type="application/json"
    )


def _stream(events: Iterator[bytes], quota: Quota) -> Response:
    return StreamingResponse(events, headers={"Content-Type": EVENT_STREAM, **quota.headers()})
