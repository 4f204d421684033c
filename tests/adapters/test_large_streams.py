"""A gibibyte passes every stack: nothing of it is kept, and no chunk waits for the next.

The chunks are made one by one, each an object of its own: whatever keeps one is seen.
"""

from __future__ import annotations

import asyncio
import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest
from django.http import StreamingHttpResponse
from django.test import override_settings
from starlette.applications import Starlette
from starlette.responses import StreamingResponse
from starlette.routing import Route

from adapters.asgi.server import http_scope
from adapters.django.stacks import Project, Stack
from adapters.django.support import each_asgi_stack, each_wsgi_stack
from adapters.starlette.stacks import STACKS, Adopt
from adapters.wsgi.server import make_environ
from kaiko_asgi import KaikoMiddleware

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from kaiko_asgi import ASGIApp, Message, Receive, Scope, Send

CHUNK = 2**17
GIBIBYTE = 2**30
KINDS = ("application/octet-stream", "text/event-stream", "application/x-ndjson")

each_kind = pytest.mark.parametrize("kind", KINDS)


class Flow:
    """What was made, what has left, and whether a chunk ever waited for the next."""

    def __init__(self) -> None:
        self.size = CHUNK
        self.made = 0
        self.left = 0
        self.late = 0

    def chunks(self) -> Iterator[bytes]:
        """Make the chunks; before each, look whether all others have left."""
        while self.made < self.size:
            self.late += self.made - self.left
            self.made += CHUNK
            yield bytes(CHUNK - 1) + b"\n"

    async def asynchronous(self) -> AsyncIterator[bytes]:
        """Make the chunks."""
        for chunk in self.chunks():
            yield chunk

    def passes(self, app: ASGIApp) -> None:
        """Serve one request, and check that nothing was kept or late."""
        asyncio.run(self._serve(app))  # what is imported and cached on the way is so now
        self._measured(lambda: asyncio.run(self._serve(app)))

    def passes_wsgi(self, app: Any) -> None:
        """Serve one request under WSGI, likewise."""
        self._serve_wsgi(app)
        self._measured(lambda: self._serve_wsgi(app))

    def _measured(self, serve: Any) -> None:
        self.size, self.made, self.left, self.late = GIBIBYTE, 0, 0, 0
        tracemalloc.start()
        try:
            serve()
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert (self.left, self.late) == (GIBIBYTE, 0)
        assert peak < 2**20

    def _serve_wsgi(self, app: Any) -> None:
        body = app(make_environ("/x"), lambda *_: lambda _data: None)
        for chunk in body:
            self.left += len(chunk)
            del chunk  # as a server: it is with the client
        body.close()

    async def _serve(self, app: ASGIApp) -> None:
        asked = False

        async def receive() -> Message:
            nonlocal asked
            if asked:
                await asyncio.Event().wait()
            asked = True
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Message) -> None:
            self.left += len(message.get("body", b""))

        await app(http_scope("/x"), receive, send)


@each_kind
def test_asgi(kind: str) -> None:
    """Around an application without a framework."""
    flow = Flow()

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        headers = [(b"content-type", kind.encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for chunk in flow.chunks():
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body"})

    flow.passes(KaikoMiddleware(app))


@each_kind
@pytest.mark.parametrize("adopt", STACKS, ids=lambda adopt: adopt.__name__)
def test_starlette(adopt: Adopt, kind: str) -> None:
    """In each of the ways to adopt the contract."""
    flow = Flow()
    app = Starlette(
        routes=[
            Route("/x", lambda _: StreamingResponse(flow.asynchronous(), media_type=kind)),
        ]
    )
    flow.passes(adopt(app, None))


@each_asgi_stack
@each_kind
def test_django_on_asgi(stack: Stack, kind: str) -> None:
    """Under our application, and under Django's."""
    flow = Flow()

    def view(_request: object) -> StreamingHttpResponse:
        return StreamingHttpResponse(flow.asynchronous(), content_type=kind)

    with override_settings(**Project(view).all_settings()):
        flow.passes(stack.make())


@each_wsgi_stack
@each_kind
def test_django_on_wsgi(stack: Stack, kind: str) -> None:
    """Likewise."""
    flow = Flow()

    def view(_request: object) -> StreamingHttpResponse:
        return StreamingHttpResponse(flow.chunks(), content_type=kind)

    with override_settings(**Project(view).all_settings()):
        flow.passes_wsgi(stack.make())
