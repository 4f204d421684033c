"""A service on Litestar: validated bodies, documented errors, and one plugin."""

from __future__ import annotations

from litestar import Litestar, get, post
from litestar.params import FromPath, FromQuery, JSONBody  # noqa: TC002 - Litestar reads them
from pydantic import BaseModel

from kaiko_litestar import KaikoPlugin, responses
from kaiko_middleware import Config, NotFoundError


class ContextNotFound(NotFoundError, code="context_not_found", param="context_id"):
    """The context does not exist, or it has expired."""


class NewContext(BaseModel):
    title: str
    tags: list[str] = []


@post("/v2/contexts")
async def create(data: JSONBody[NewContext]) -> NewContext:
    return data


@get("/v2/contexts/{name:str}", responses=responses(ContextNotFound))
async def read(name: FromPath[str]) -> NewContext:
    raise ContextNotFound(f"Context '{name}' has expired")


@get("/v2/average")
async def average(digits: FromQuery[int] = 2) -> float:
    return round(0 / 0, digits)  # a bug: there is nothing to average


app = Litestar([create, read, average], plugins=[KaikoPlugin(Config(paths=("/v2",)))])
