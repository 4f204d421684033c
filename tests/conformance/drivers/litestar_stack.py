"""Litestar: with the plugin, with bodies that it validates itself or that the view parses."""

from __future__ import annotations

import asyncio
from threading import get_ident
from typing import TYPE_CHECKING, Any, cast

from litestar import Litestar, MediaType, Request, Response, get, post, route
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, JSONBody  # noqa: TC002 - read at run time
from litestar.response import Stream

from conformance.asgi_client import AsgiDriver, disconnecting
from conformance.guard_scenarios import GUARDS, ROUTED_ONLY, Guarded
from conformance.scenarios import BY_NAME, SCENARIOS, Answers, Body, Parses, Raises, Streams
from kaiko_guards.asgi import GuardMiddleware
from kaiko_guards.litestar import guard_middleware
from kaiko_litestar import KaikoPlugin
from kaiko_middleware import parse_body

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from kaiko_asgi import ASGIApp


@route("/s/{name:str}", http_method=["GET", "HEAD", "POST"])
async def view(name: FromPath[str], request: Request[Any, Any, Any]) -> Response[Any]:
    """Do what the scenario says."""
    scenario = BY_NAME.get(name)
    if scenario is None:
        raise NotFoundException
    act = scenario.act
    match act:
        case Raises():
            raise act.make()
        case Answers():
            return Response(
                act.body,
                status_code=act.status,
                media_type=act.content_type,
                headers=dict(act.headers),
            )
        case Streams():
            return Stream(_chunks(act), status_code=200, media_type=act.content_type)
        case Parses():
            parse_body(Body, await request.body())
            return Response({}, status_code=200, media_type=MediaType.JSON)
        case _:
            raise NotFoundException


async def _chunks(act: Streams) -> AsyncIterator[bytes]:
    for chunk in act.chunks:
        yield chunk
    if act.make is not None:
        raise act.make()


@post([f"/s/{each.name}" for each in SCENARIOS if isinstance(each.act, Parses)], status_code=200)
async def validated(data: JSONBody[Body]) -> dict[str, str]:
    """Let Litestar validate the body."""
    del data
    return {}


@get("/refuses")
async def refuses() -> None:
    """Take no method but GET."""


@get("/here")
async def here() -> str:
    """Say in which thread it is."""
    return str(get_ident())


@get("/waits")
async def waits() -> None:
    """Take long."""
    await asyncio.sleep(60)


def make_app(*, validating: bool, enveloped: bool = True, guards: Sequence[Any] = ()) -> Litestar:
    """Return the application; whether Litestar validates, or the view."""
    return Litestar(
        [view, refuses, here, waits, *([validated] if validating else [])],
        plugins=[KaikoPlugin()] if enveloped else [],
        middleware=[guard_middleware(*guards)] if guards else [],
        logging_config=None,
    )


def served(app: Litestar) -> ASGIApp:
    """Return the application as servers call it: Litestar's streams wait for the request's end."""
    # Litestar has types of its own for what ASGI calls a scope, a receive and a send.
    return disconnecting(cast("ASGIApp", app))


DRIVERS = (
    AsgiDriver("litestar-plugin", served(make_app(validating=True))),
    AsgiDriver("litestar-parsing", served(make_app(validating=False))),
)
GUARDED = (
    Guarded(
        AsgiDriver("litestar", served(make_app(validating=True, guards=GUARDS))),
        lacks=ROUTED_ONLY,
    ),
    Guarded(
        AsgiDriver(
            "litestar-alone", served(make_app(validating=True, enveloped=False, guards=GUARDS))
        ),
        enveloped=False,
    ),
    Guarded(
        AsgiDriver("litestar-wrapped", GuardMiddleware(served(make_app(validating=True)), GUARDS)),
        enveloped=False,
    ),
)
