"""What every server serves: the applications of the shared scenarios, and a few routes more.

`application` is ASGI and holds all frameworks, so that one process a server is enough: the
request's `X-Served` header says whose answer is wanted. `wsgi_application` is Django alone.
Litestar serves the scenarios alone.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

from support_django import setup_django

setup_django()

from django.conf import settings
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpResponse, StreamingHttpResponse
from django.urls import include, path
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route, WebSocketRoute

from conformance.drivers import litestar_stack
from conformance.drivers.starlette_stack import make_app
from kaiko_asgi import KaikoMiddleware
from kaiko_django import get_asgi_application, get_wsgi_application
from kaiko_middleware import NotFoundError
from kaiko_starlette import install

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from django.http import HttpRequest
    from starlette.requests import Request
    from starlette.websockets import WebSocket

    from kaiko_asgi import ASGIApp, Receive, Scope, Send

_LEFT: list[str] = []
_CHUNK = b"x" * 65_536


def _endless() -> Iterator[bytes]:
    try:
        while True:
            yield _CHUNK
    finally:
        _LEFT.append("django")


async def _async_endless() -> AsyncIterator[bytes]:
    while True:
        yield _CHUNK
        await asyncio.sleep(0)  # lets the server hear that the client left


# --- Starlette -----------------------------------------------------------------------


async def _endless_view(_request: Request) -> StreamingResponse:
    return StreamingResponse(_async_endless(), media_type="text/plain")


async def _left_view(_request: Request) -> PlainTextResponse:
    return PlainTextResponse(str(_LEFT.count("starlette")))


async def _denied(_websocket: WebSocket) -> None:
    raise NotFoundError("There is no such room")


async def _fails(websocket: WebSocket) -> None:
    await websocket.accept()
    raise ValueError("secret")


async def _ends(websocket: WebSocket) -> None:
    await websocket.accept()
    raise NotFoundError("The room was closed")


async def _echoes(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text(await websocket.receive_text())
    await websocket.close()


_starlette = make_app()
_starlette.router.routes += [
    Route("/endless", _endless_view),
    Route("/left", _left_view),
    WebSocketRoute("/denied", _denied),
    WebSocketRoute("/fails", _fails),
    WebSocketRoute("/ends", _ends),
    WebSocketRoute("/echoes", _echoes),
]
install(_starlette)


# --- Django --------------------------------------------------------------------------


def _django_endless(request: HttpRequest) -> StreamingHttpResponse:
    made = _async_endless() if isinstance(request, ASGIRequest) else _endless()
    return StreamingHttpResponse(made, content_type="text/plain")


def _django_left(_request: HttpRequest) -> HttpResponse:
    return HttpResponse(str(_LEFT.count("django")), content_type="text/plain")


urlpatterns = [
    path("endless", _django_endless),
    path("left", _django_left),
    path("", include("django_project.urls")),
]
settings.ROOT_URLCONF = "servers.served"

wsgi_application = get_wsgi_application()
_django = get_asgi_application()


# --- Litestar --------------------------------------------------------------------------

_litestar = cast("ASGIApp", litestar_stack.make_app(validating=True))  # its types are its own


# --- no framework ---------------------------------------------------------------------


async def _returning(scope: Scope, _receive: Receive, send: Send) -> None:
    """Return before the answer is whole; the path is its type, without a body at all for `head`."""
    kind = scope["path"].removeprefix("/returns/")
    headers = [(b"content-type", kind.encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    if kind != "head":
        await send({"type": "http.response.body", "body": b"data: 1\n\n", "more_body": True})


_returns = KaikoMiddleware(_returning)


_APPS: dict[bytes | None, ASGIApp] = {b"django": _django, b"litestar": _litestar}


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Hand on to the framework that the request asks for."""
    asked = dict(scope.get("headers", ())).get(b"x-served")
    app = _APPS.get(asked, _starlette)
    if scope.get("path", "").startswith("/returns/"):
        app = _returns
    try:
        await app(scope, receive, send)
    finally:
        # Not in the generator, which is closed when the garbage collector finds it.
        if scope.get("path") == "/endless":
            _LEFT.append("django" if asked == b"django" else "starlette")
