"""A service on Litestar: three routes, handlers that let errors through, and the middleware."""

from __future__ import annotations

from typing import Any, NoReturn, cast

from litestar import Litestar, Request, Response, get, post
from litestar.exceptions import HTTPException, ValidationException
from litestar.params import FromPath  # noqa: TC002 - Litestar reads annotations at run time
from pydantic import BaseModel

from kaiko_asgi import KaikoMiddleware
from kaiko_middleware import Config, InvalidRequestError, NotFoundError, parse_body


class ContextNotFound(NotFoundError, code="context_not_found", param="context_id"):
    """The context does not exist, or it has expired."""


class NewContext(BaseModel):
    title: str


@post("/v2/contexts")
async def create(request: Request[Any, Any, Any]) -> NewContext:
    return parse_body(NewContext, await request.body())


@get("/v2/contexts/{name:str}")
async def read(name: FromPath[str]) -> None:
    raise ContextNotFound(f"Context '{name}' has expired")


@get("/v2/average")
async def average() -> int:
    return 0 // 0  # a bug: there is nothing to average


def answer(_request: object, exc: HTTPException) -> Response[dict[str, str]]:
    return Response({"detail": exc.detail}, status_code=exc.status_code, headers=exc.headers)


def refuse(_request: object, exc: ValidationException) -> NoReturn:
    raise InvalidRequestError from exc  # Litestar's own text repeats the query


def hand_on(_request: object, exc: Exception) -> NoReturn:
    raise exc


litestar = Litestar(
    route_handlers=[create, read, average],
    exception_handlers={HTTPException: answer, ValidationException: refuse, Exception: hand_on},
)
# Litestar has its own types for ASGI's scope, receive and send.
app = KaikoMiddleware(cast("Any", litestar), Config(paths=("/v2",)))
