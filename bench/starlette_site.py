"""A small Starlette service, bare or with the toolkit installed, and its answers by hand."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route

from bench.answers import MISSING, ContextNotFound, body_by_hand, by_hand, check, fail
from bench.asgi import drop, receive_nothing, scope_for
from kaiko_starlette import install

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from bench.measure import Run
    from kaiko_asgi import Message, Send
    from kaiko_middleware import Config

server_log = logging.getLogger("bench.server")


async def success(_request: Request) -> Response:
    """Answer a success."""
    return JSONResponse({"status": "ok"})


async def typed(_request: Request) -> Response:
    """Fail as a service of ours does."""
    raise ContextNotFound(MISSING)


async def written_404(_request: Request) -> Response:
    """Answer the typed error by hand."""
    body, headers = by_hand(404)
    return JSONResponse(body, status_code=404, headers=headers)


async def written_500(_request: Request) -> Response:
    """Answer a bug by hand."""
    body, headers = by_hand(500)
    return JSONResponse(body, status_code=500, headers=headers)


async def least_404(_request: Request) -> Response:
    """Answer the five members with a fixed id and no header: less than the contract."""
    return JSONResponse(body_by_hand(404, "req-7f65ab21d1"), status_code=404)


async def foreign_json(_request: Request) -> Response:
    """Return an error of another shape."""
    return JSONResponse({"detail": "No such context"}, status_code=404)


async def foreign_text(_request: Request) -> Response:
    """Return one that is text."""
    return PlainTextResponse("No such context", status_code=404)


async def bug(_request: Request) -> Response:
    """Fail as nobody foresaw."""
    return JSONResponse(fail())


_ENDPOINTS = (
    success,
    typed,
    written_404,
    written_500,
    least_404,
    foreign_json,
    foreign_text,
    bug,
)


def service(config: Config | None = None) -> Starlette:
    """Return the service; with the toolkit installed where there is a configuration."""
    app = Starlette(routes=[Route(f"/v2/{item.__name__}", item) for item in _ENDPOINTS])
    if config is not None:
        install(app, config)
    return app


def served(name: str, config: Config | None, status: int) -> Run:
    """Return the service under a server that logs what is raised as uvicorn does.

    Arguments:
        name: the endpoint that is asked.
        config: None: without the toolkit.
        status: what it has to answer, which is checked once.

    """
    app = service(config)
    template = scope_for(f"/v2/{name}")
    heads: list[Message] = []

    async def keep(message: Message) -> None:
        heads.append(message)

    def serve(send: Send, times: int) -> None:
        for _ in range(times):
            call = app({**template, "state": {}}, receive_nothing, send)
            try:
                call.__await__().send(None)
            except StopIteration:
                continue
            except Exception as exc:  # noqa: BLE001 - a server logs whatever comes
                server_log.error("Exception in ASGI application\n", exc_info=exc)

    serve(keep, 1)
    check(name, heads[0]["status"], status)
    return partial(serve, drop)
