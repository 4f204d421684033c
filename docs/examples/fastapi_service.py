"""A service on FastAPI: validated bodies, documented errors, and one line to install."""

from __future__ import annotations

from fastapi import FastAPI
from pydantic import BaseModel

from kaiko_fastapi import install, responses
from kaiko_middleware import Config, NotFoundError


class ContextNotFound(NotFoundError, code="context_not_found", param="context_id"):
    """The context does not exist, or it has expired."""


class NewContext(BaseModel):
    title: str
    tags: list[str] = []


app = FastAPI()
install(app, Config(paths=("/v2",)))


@app.post("/v2/contexts", status_code=201)
async def create(new: NewContext) -> NewContext:
    return new


@app.get("/v2/contexts/{name}", responses=responses(ContextNotFound))
async def read(name: str) -> NewContext:
    raise ContextNotFound(f"Context '{name}' has expired")


@app.get("/v2/average")
async def average(digits: int = 2) -> float:
    return round(0 / 0, digits)  # a bug: there is nothing to average
