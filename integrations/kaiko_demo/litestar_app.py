"""The service on Litestar: requests become calls, results become responses.

No handler catches anything: `kaiko_litestar.KaikoPlugin` has the service's exceptions answered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from litestar import Litestar, MediaType, Request, Response, get, post
from litestar.concurrency import sync_to_thread
from litestar.params import FromPath  # noqa: TC002 - Litestar reads annotations at run time
from litestar.response import Stream as StreamResponse

from kaiko_demo.schemas import (
    AnalysisRequest,
    BatchRequest,
    ChatRequest,
    NewContext,
    NewMessages,
)
from kaiko_guards.asgi import GuardMiddleware
from kaiko_litestar import KaikoPlugin
from kaiko_middleware import parse_body

if TYPE_CHECKING:
    from collections.abc import Iterable

    from litestar.types import ControllerRouterHandler
    from pydantic import BaseModel

    from kaiko_asgi import ASGIApp
    from kaiko_demo.events import Stream
    from kaiko_demo.service import DemoService
    from kaiko_guards import Guard

__all__ = ["create_app"]

Asked = Request[Any, Any, Any]
Answer = Response[bytes]


def create_app(service: DemoService, guards: Iterable[Guard]) -> ASGIApp:
    """Return the application.

    The guards are around all of it. Litestar calls its own middleware only if a route matches, so
    a request for an unknown path would need no key and would have no limit.

    Arguments:
        service: The service behind it.
        guards: Who may call it, how often and with how much.
    """
    app = Litestar(
        [*_contexts(service), *_models(service)],
        plugins=[KaikoPlugin()],
        logging_config=None,  # the process has its own
        openapi_config=None,
    )
    return GuardMiddleware(cast("ASGIApp", app), guards)  # Litestar has its own types for ASGI


def _contexts(service: DemoService) -> list[ControllerRouterHandler]:
    @post("/v2/contexts")
    async def create_context(request: Asked) -> Answer:
        body = parse_body(NewContext, await request.body())
        return _answer(service.create_context(body), status=201)

    @get("/v2/contexts/{context_id:str}")
    async def context(context_id: FromPath[str]) -> Answer:
        return _answer(service.context(context_id))

    @post("/v2/contexts/{context_id:str}/messages")
    async def add_messages(context_id: FromPath[str], request: Asked) -> Answer:
        body = parse_body(NewMessages, await request.body())
        return _answer(service.add_messages(context_id, body), status=201)

    @get("/v2/archive/{context_id:str}")
    async def archived_context(context_id: FromPath[str]) -> Answer:
        return _answer(await sync_to_thread(service.archived_context, context_id))

    return [create_context, context, add_messages, archived_context]


def _models(service: DemoService) -> list[ControllerRouterHandler]:
    @get("/v2/models")
    async def models() -> Answer:
        return _answer(service.models())

    @post("/v2/analyses")
    async def analyse(request: Asked) -> Answer | StreamResponse:
        body = parse_body(AnalysisRequest, await request.body())
        if body.stream:
            return _stream(service.stream(body))
        return _answer(service.analyse(body))

    @post("/v2/analyses/batch")
    async def analyse_batch(request: Asked) -> Answer:
        body = parse_body(BatchRequest, await request.body())
        return _answer(service.analyse_batch(body))

    @post("/v2/chat")
    async def chat(request: Asked) -> Answer | StreamResponse:
        body = parse_body(ChatRequest, await request.body())
        # Wait for the language model in a thread, to keep the event loop free.
        if body.stream:
            return _stream(await sync_to_thread(service.stream_chat, body))
        return _answer(await sync_to_thread(service.chat, body))

    return [models, analyse, analyse_batch, chat]


def _answer(result: BaseModel, *, status: int = 200) -> Answer:
    data = result.model_dump_json().encode()
    return Response(data, status_code=status, media_type=MediaType.JSON)


def _stream(stream: Stream) -> StreamResponse:
    # As a header: to a media type Litestar adds another charset.
    headers = {"Content-Type": stream.content_type}
    return StreamResponse(stream.pieces, status_code=200, headers=headers)
