"""A Litestar application has the plugin, and documents the errors that it raises."""

from __future__ import annotations

from litestar import Litestar, Router, get, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, FromQuery, JSONBody
from litestar.plugins import InitPlugin
from pydantic import BaseModel

from kaiko_litestar import KaikoPlugin, responses
from kaiko_middleware import Config, KaikoError, NotFoundError, RateLimitError


class ContextNotFound(NotFoundError, code="context_not_found", param="context_id"):
    """The context does not exist, or it has expired."""


class NewContext(BaseModel):
    title: str


@get("/v2/contexts/{name:str}", responses=responses(ContextNotFound, RateLimitError))
async def context(name: FromPath[str], page: FromQuery[int] = 1) -> dict[str, str]:
    """Raise what is documented."""
    raise ContextNotFound(f"Context '{name}' has no page {page}")


@post("/v2/contexts", responses={**responses(), 202: ResponseSpec(None, description="Later")})
async def create(data: JSONBody[NewContext]) -> NewContext:
    """Answer later."""
    return data


app = Litestar([context, create], plugins=[KaikoPlugin()])
other = Litestar([Router("/", route_handlers=[context])], plugins=[KaikoPlugin(Config())])
third = Litestar(plugins=[KaikoPlugin(config=Config(paths=("/v2",)))])
plugin: InitPlugin = KaikoPlugin(Config(reraise=False))
classes: list[type[KaikoError]] = [ContextNotFound, RateLimitError]
documented: dict[int, ResponseSpec] = responses(*classes)
