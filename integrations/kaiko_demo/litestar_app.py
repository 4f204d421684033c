"""The service on Litestar: requests become calls, results become responses.

No handler catches anything: `kaiko_litestar.KaikoPlugin` has the service's exceptions answered.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from litestar import Litestar, MediaType, Request, Response, get, post
from litestar.concurrency import sync_to_thread
from litestar.params import FromPath  # noqa: TC002 - Litestar reads annotations at run time
from litestar.response import Stream

from kaiko_demo.events import EVENT_STREAM
from kaiko_demo.schemas import (
    AnalysisRequest,
    BatchRequest,
    ChatRequest,
    NewContext,
    NewMessages,
)
from kaiko_litestar import KaikoPlugin
from kaiko_middleware import parse_body

if TYPE_CHECKING:
    from collections.abc import Iterator

    from litestar.types import ControllerRouterHandler
    from pydantic import BaseModel

    from kaiko_demo.limiter import Quota
    from kaiko_demo.service import DemoService

__all__ = ["create_app"]

Asked = Request[Any, Any, Any]
Answer = Response[bytes]


def create_app(service: DemoService) -> Litestar:
    """Return the application.

    Arguments:
        service: The service behind it.
    """
    return Litestar(
        [*_contexts(service), *_models(service)],
        plugins=[KaikoPlugin()],
        logging_config=None,  # the process has its own
        openapi_config=None,
    )


def _contexts(service: DemoService) -> list[ControllerRouterHandler]:
    admit, read = partial(_admit, service), partial(_read, service)

    @post("/v2/contexts")
    async def create_context(request: Asked) -> Answer:
        quota = admit(request)
        body = parse_body(NewContext, await read(request))
        return _answer(service.create_context(body), quota, status=201)

    @get("/v2/contexts/{context_id:str}")
    async def context(context_id: FromPath[str], request: Asked) -> Answer:
        quota = admit(request)
        return _answer(service.context(context_id), quota)

    @post("/v2/contexts/{context_id:str}/messages")
    async def add_messages(context_id: FromPath[str], request: Asked) -> Answer:
        quota = admit(request)
        body = parse_body(NewMessages, await read(request))
        return _answer(service.add_messages(context_id, body), quota, status=201)

    @get("/v2/archive/{context_id:str}")
    async def archived_context(context_id: FromPath[str], request: Asked) -> Answer:
        quota = admit(request)
        return _answer(await sync_to_thread(service.archived_context, context_id), quota)

    return [create_context, context, add_messages, archived_context]


def _models(service: DemoService) -> list[ControllerRouterHandler]:
    admit, read = partial(_admit, service), partial(_read, service)

    @get("/v2/models")
    async def models(request: Asked) -> Answer:
        quota = admit(request)
        return _answer(service.models(), quota)

    @post("/v2/analyses")
    async def analyse(request: Asked) -> Answer | Stream:
        quota = admit(request)
        body = parse_body(AnalysisRequest, await read(request))
        if body.stream:
            return _stream(service.stream(body), quota)
        return _answer(service.analyse(body), quota)

    @post("/v2/analyses/batch")
    async def analyse_batch(request: Asked) -> Answer:
        quota = admit(request)
        body = parse_body(BatchRequest, await read(request))
        return _answer(service.analyse_batch(body), quota)

    @post("/v2/chat")
    async def chat(request: Asked) -> Answer | Stream:
        quota = admit(request)
        body = parse_body(ChatRequest, await read(request))
        # Wait for the language model in a thread, to keep the event loop free.
        if body.stream:
            return _stream(await sync_to_thread(service.stream_chat, body), quota)
        return _answer(await sync_to_thread(service.chat, body), quota)

    return [models, analyse, analyse_batch, chat]


def _admit(service: DemoService, request: Asked) -> Quota:
    return service.admit(request.headers.get("x-api-key"))


async def _read(service: DemoService, request: Asked) -> bytes:
    body = service.body(request.headers.get("content-length"))
    async for part in request.stream():
        body.add(part)
    return body.whole()


def _answer(result: BaseModel, quota: Quota, *, status: int = 200) -> Answer:
    return Response(
        result.model_dump_json().encode(),
        status_code=status,
        headers=quota.headers(),
        media_type=MediaType.JSON,
    )


def _stream(events: Iterator[bytes], quota: Quota) -> Stream:
    headers = {**quota.headers(), "Content-Type": EVENT_STREAM}  # a media type gets a charset more
    return Stream(events, status_code=200, headers=headers)
