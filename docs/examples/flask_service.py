"""A service on Flask: validated bodies, a typed error, a bug, and one call."""

from __future__ import annotations

from flask import Flask, request
from pydantic import BaseModel

from kaiko_flask import install
from kaiko_middleware import Config, NotFoundError, parse_body


class ContextNotFound(NotFoundError, code="context_not_found", param="context_id"):
    """The context does not exist, or it has expired."""


class NewContext(BaseModel):
    title: str
    tags: list[str] = []


app = Flask(__name__)
install(app, Config(paths=("/v2",)))


@app.post("/v2/contexts")
def create() -> dict[str, object]:
    return parse_body(NewContext, request.get_data()).model_dump()


@app.get("/v2/contexts/<name>")
def read(name: str) -> dict[str, object]:
    raise ContextNotFound(f"Context '{name}' has expired")


@app.get("/v2/average")
def average() -> dict[str, object]:
    return {"average": 0 / 0}  # a bug: there is nothing to average
