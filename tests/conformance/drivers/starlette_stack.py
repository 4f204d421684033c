"""Starlette: installed, and under the middleware alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from conformance.asgi_client import AsgiDriver
from conformance.scenarios import BY_NAME, Answers, Body, Parses, Raises, Streams
from kaiko_middleware import parse_body
from kaiko_starlette import KaikoMiddleware, install

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request


async def _view(request: Request) -> Response:
    scenario = BY_NAME.get(request.path_params["name"])
    if scenario is None:
        raise HTTPException(404)
    act = scenario.act
    match act:
        case Raises():
            raise act.make()
        case Answers():
            response = Response(act.body, act.status, media_type=act.content_type)
            for name, value in act.headers:
                response.headers.append(name, value)
            return response
        case Streams():
            return StreamingResponse(_chunks(act), media_type=act.content_type)
        case Parses():
            parse_body(Body, await request.body())
            return JSONResponse({})
        case _:
            raise HTTPException(404)


async def _chunks(act: Streams) -> AsyncIterator[bytes]:
    for chunk in act.chunks:
        yield chunk
    if act.make is not None:
        raise act.make()


async def _refuses(_request: Request) -> Response:
    return Response()


def make_app() -> Starlette:
    """Return the application, bare."""
    methods = ["GET", "POST"]
    return Starlette(
        routes=[Route("/s/{name}", _view, methods=methods), Route("/refuses", _refuses)]
    )


_installed = make_app()
install(_installed)
_inside = make_app()
_inside.add_middleware(KaikoMiddleware)

DRIVERS = (
    AsgiDriver("starlette-install", _installed),
    AsgiDriver("starlette-add-middleware", _inside),
    AsgiDriver("starlette-wrapped", KaikoMiddleware(make_app())),
)
