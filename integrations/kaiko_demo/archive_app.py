"""The archive on Starlette: one route, its guards, and the line that adopts the contract.

Only our own services call it, so it trusts the ids that they send. An error that passes both
services has one id in the answer and in both logs.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

import kaiko_starlette
from kaiko_guards.asgi import GuardMiddleware
from kaiko_middleware import Config

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.requests import Request

    from kaiko_demo.archive_service import ArchiveService
    from kaiko_guards import Guard

__all__ = ["create_app"]

_log = logging.getLogger("kaiko_demo.asked")


def create_app(service: ArchiveService, guards: Iterable[Guard]) -> Starlette:
    """Return the application.

    Arguments:
        service: The archive to serve.
        guards: Who may read it.
    """

    async def context(request: Request) -> Response:
        context_id: str = request.path_params["context_id"]
        _log.info("for %s", context_id)
        found = service.context(context_id)
        return Response(found.model_dump_json(), media_type="application/json")

    app = Starlette(routes=[Route("/v2/contexts/{context_id}", context, methods=["GET"])])
    app.add_middleware(GuardMiddleware, guards=guards)
    # A server that sees an exception closes the connection, on which a retry may be on its way.
    kaiko_starlette.install(app, Config(trust_request_id=True, reraise=False))
    return app
