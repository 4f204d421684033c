"""A service on Starlette: three routes, and one line to install."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from kaiko_middleware import Config, NotFoundError, parse_body
from kaiko_starlette import install

if TYPE_CHECKING:
    from starlette.requests import Request


class ContextNotFound(NotFoundError, code="context_not_found", param="context_id"):
    """The context does not exist, or it has expired."""


class NewContext(BaseModel):
    title: str


async def create(request: Request) -> JSONResponse:
    new = parse_body(NewContext, await request.body())
    return JSONResponse(new.model_dump(), status_code=201)


async def read(request: Request) -> JSONResponse:
    raise ContextNotFound(f"Context '{request.path_params['name']}' has expired")


async def average(_request: Request) -> JSONResponse:
    return JSONResponse(0 / 0)  # a bug: there is nothing to average


app = Starlette(
    routes=[
        Route("/v2/contexts", create, methods=["POST"]),
        Route("/v2/contexts/{name}", read),
        Route("/v2/average", average),
    ],
)
install(app, Config(paths=("/v2",)))
