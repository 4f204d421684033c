"""Starlette: installed, and under the middleware alone."""

from __future__ import annotations

import asyncio
from threading import get_ident
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from conformance.asgi_client import AsgiDriver
from conformance.guard_scenarios import GUARDS, Guarded
from conformance.scenarios import BY_NAME, Answers, Body, Parses, Raises, Streams
from kaiko_guards.asgi import GuardMiddleware
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


async def _here(_request: Request) -> Response:
    return Response(str(get_ident()))


async def _waits(_request: Request) -> Response:
    await asyncio.sleep(60)
    return Response()


def make_app() -> Starlette:
    """Return the application, bare."""
    return Starlette(
        routes=[
            Route("/s/{name}", _view, methods=["GET", "POST"]),
            Route("/refuses", _refuses),
            Route("/here", _here),
            Route("/waits", _waits),
        ]
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


def _guarded() -> Starlette:
    app = make_app()
    app.add_middleware(GuardMiddleware, guards=GUARDS)
    return app


_guarded_and_installed = _guarded()
install(_guarded_and_installed)
_guarded_inside = _guarded()
_guarded_inside.add_middleware(KaikoMiddleware)

GUARDED = (
    Guarded(AsgiDriver("starlette-install", _guarded_and_installed)),
    Guarded(AsgiDriver("starlette-add-middleware", _guarded_inside)),
    Guarded(AsgiDriver("starlette-wrapped", KaikoMiddleware(GuardMiddleware(make_app(), GUARDS)))),
    Guarded(AsgiDriver("starlette-alone", _guarded()), enveloped=False),
)
