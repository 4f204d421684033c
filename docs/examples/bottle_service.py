"""A service on Bottle."""

# pyright: basic, reportCallIssue=false
# Bottle has no types.

from __future__ import annotations

from bottle import Bottle, request

from kaiko_middleware import Config, InvalidRequestError, NotFoundError
from kaiko_wsgi import KaikoMiddleware

api = Bottle()
api.config["catchall"] = False  # exceptions leave Bottle, and the middleware answers them


@api.get("/v2/contexts/<name>")
def context(name: str) -> dict[str, str]:
    raise NotFoundError(f"Context '{name}' has expired")


@api.post("/v2/contexts")
def create() -> dict[str, str]:
    if not request.json:
        raise InvalidRequestError("Send the new context as JSON")
    return {"name": "ctx_1"}


app = KaikoMiddleware(api, Config(paths=("/v2",)))
