"""A bare Starlette service, as a tutorial leaves it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

if TYPE_CHECKING:
    from starlette.requests import Request


async def items(request: Request) -> JSONResponse:
    if request.method == "POST":
        item = await request.json()
        return JSONResponse({"name": item["name"]}, status_code=201)
    return JSONResponse([{"name": "kettle", "limit": int(request.query_params.get("limit", 10))}])


app = Starlette(routes=[Route("/items", items, methods=["GET", "POST"])])
