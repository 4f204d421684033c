"""WebSockets to where nothing is, beside those that are refused where something is."""

from __future__ import annotations

import logging
from inspect import getsource
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import demo_app

import pytest
from a2wsgi import WSGIMiddleware
from fastapi import APIRouter, FastAPI
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route, Router, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket  # noqa: TC002 - FastAPI reads the annotation

from adapters.asgi.apps import error_of, said
from adapters.asgi.server import connect
from adapters.starlette.stacks import STACKS, Adopt
from kaiko_starlette import KaikoMiddleware, install

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

    from kaiko_asgi import ASGIApp, Receive, Scope, Send

mounted_wsgi: Any = WSGIMiddleware  # its types of a WSGI application are its own
adopted = pytest.mark.parametrize("adopt", STACKS, ids=lambda adopt: adopt.__name__)


async def _ok(_request: Request) -> Response:
    return PlainTextResponse("ok")


async def _refuses(websocket: WebSocket) -> None:
    await websocket.close()


class Refuses:
    """A middleware that refuses sockets before any route is looked for."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Close a socket."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close"})
        else:
            await self.app(scope, receive, send)


def make(*middleware: Middleware) -> Starlette:
    """Return an application with routes of both kinds, and with mounted ones."""
    routes = [WebSocketRoute("/refuses", _refuses), Route("/http", _ok)]
    contracted = Starlette(routes=routes)
    install(contracted)
    return Starlette(
        routes=[
            *routes,
            Mount("/router", app=Router(routes)),
            Mount("/app", app=Starlette(routes=routes)),
            Mount("/contracted", app=contracted),
            Mount("/files", app=StaticFiles(directory=".")),
            Mount("/wsgi", app=mounted_wsgi(demo_app)),
            Mount("/guarded", app=Starlette(routes=routes, middleware=[Middleware(Refuses)])),
        ],
        middleware=middleware,
    )


def _service() -> Starlette:
    router = APIRouter(prefix="/v2")
    router.add_api_websocket_route("/refuses", _refuses)
    app = FastAPI()
    app.include_router(router)
    app.mount("/app", FastAPI())
    return app


def _told(app: ASGIApp, path: str) -> tuple[int, object]:
    denial = connect(app, path).denial
    assert denial is not None
    return denial.status, error_of(denial)["code"]


@adopted
@pytest.mark.parametrize(
    ("made", "path"),
    [
        *((make, path) for path in ("/no", "/http", "/router/no", "/app/no", "/contracted/no")),
        pytest.param(
            make,
            "/files/no",
            marks=pytest.mark.skipif(
                "websocket" not in getsource(StaticFiles.__call__),
                reason="this Starlette's static files assert that all is HTTP",
            ),
        ),
        (make, "/wsgi/no"),
        *((_service, path) for path in ("/no", "/v2/no", "/app/no", "/docs")),
    ],
)
def test_an_unknown_one_is_not_found(
    adopt: Adopt, made: Callable[[], Starlette], path: str, caplog: pytest.LogCaptureFixture
) -> None:
    """As a request to there is: by the router's 404, not for want of a permission."""
    caplog.set_level(logging.INFO)
    assert _told(adopt(made(), None), path) == (404, "not_found")
    assert [level for level, _ in said(caplog)] == ["INFO"]


@adopted
@pytest.mark.parametrize(
    ("made", "path"),
    [
        *(
            (make, path)
            for path in ("/refuses", "/router/refuses", "/app/refuses", "/contracted/refuses")
        ),
        (make, "/guarded/no"),
        (lambda: make(Middleware(Refuses)), "/no"),
        (_service, "/v2/refuses"),
    ],
)
def test_a_refused_one_is_forbidden(adopt: Adopt, made: Callable[[], Starlette], path: str) -> None:
    """By an endpoint, or by a middleware that did not let it come to a router."""
    assert _told(adopt(made(), None), path) == (403, "permission_denied")


def test_an_application_that_speaks_http_alone_takes_none() -> None:
    """Also where it is all that the middleware wraps."""
    assert _told(KaikoMiddleware(mounted_wsgi(demo_app)), "/no") == (404, "not_found")
