"""FastAPI: installed, with bodies that it validates itself, and under the middleware alone."""

from __future__ import annotations

import asyncio
from threading import get_ident
from typing import TYPE_CHECKING

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.responses import StreamingResponse

from conformance.asgi_client import AsgiDriver
from conformance.guard_scenarios import GUARDS, Guarded
from conformance.scenarios import BY_NAME, SCENARIOS, Answers, Body, Parses, Raises, Streams
from kaiko_fastapi import KaikoMiddleware, install
from kaiko_guards.asgi import GuardMiddleware
from kaiko_middleware import parse_body

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


async def _view(name: str, request: Request) -> Response:
    scenario = BY_NAME.get(name)
    if scenario is None:
        raise HTTPException(404)
    act = scenario.act
    match act:
        case Raises():
            raise act.make()
        case Answers():
            response = Response(act.body, act.status, media_type=act.content_type)
            for field, value in act.headers:
                response.headers.append(field, value)
            return response
        case Streams():
            return StreamingResponse(_chunks(act), media_type=act.content_type)
        case Parses():
            parse_body(Body, await request.body())
            return Response("{}", media_type="application/json")
        case _:
            raise HTTPException(404)


async def _validated(body: Body) -> dict[str, str]:
    del body  # FastAPI's validation is what is wanted
    return {}


async def _chunks(act: Streams) -> AsyncIterator[bytes]:
    for chunk in act.chunks:
        yield chunk
    if act.make is not None:
        raise act.make()


async def _refuses() -> Response:
    return Response()


async def _here() -> Response:
    return Response(str(get_ident()))


async def _waits() -> None:
    await asyncio.sleep(60)


def make_app(*, validating: bool) -> FastAPI:
    """Return the application, bare; whether FastAPI validates, or the view."""
    app = FastAPI(strict_content_type=False)
    for scenario in SCENARIOS if validating else ():
        if isinstance(scenario.act, Parses):
            app.add_api_route(f"/s/{scenario.name}", _validated, methods=["POST"])
    app.add_api_route("/s/{name}", _view, methods=["GET", "HEAD", "POST"])
    app.add_api_route("/refuses", _refuses, methods=["GET"])
    app.add_api_route("/here", _here)
    app.add_api_route("/waits", _waits)
    return app


_installed = make_app(validating=True)
install(_installed)
_inside = make_app(validating=False)
_inside.add_middleware(KaikoMiddleware)

DRIVERS = (
    AsgiDriver("fastapi-install", _installed),
    AsgiDriver("fastapi-add-middleware", _inside),
    AsgiDriver("fastapi-wrapped", KaikoMiddleware(make_app(validating=False))),
)


def _guarded() -> FastAPI:
    app = make_app(validating=True)
    app.add_middleware(GuardMiddleware, guards=GUARDS)
    return app


_guarded_and_installed = _guarded()
install(_guarded_and_installed)

GUARDED = (
    Guarded(AsgiDriver("fastapi-install", _guarded_and_installed)),
    Guarded(AsgiDriver("fastapi-alone", _guarded()), enveloped=False),
)
