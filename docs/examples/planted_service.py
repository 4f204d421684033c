"""A service with four faults, for the page on the pytest plugin."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.testclient import TestClient

from kaiko_fastapi import install, responses
from kaiko_middleware import ConflictError, NotFoundError


class ContextNotFound(NotFoundError, code="context_not_found", param="context_id"):
    """The context does not exist, or it has expired."""


class ContextLocked(ConflictError, code="context_locked"):
    """Another request is changing the context."""


app = FastAPI(title="contexts")
install(app)


@app.get("/v2/contexts/{name}", responses=responses(ContextNotFound))
def read(name: str) -> dict[str, str]:
    if name == "locked":
        raise ContextLocked("Context 'locked' is locked")
    if name == "archived":
        raise NotFoundError("Context 'archived' is archived", code="context_archived")
    if name == "damaged":
        raise NotFoundError("Cannot read /srv/contexts/damaged.json")
    raise ContextNotFound(f"Context '{name}' has expired")


class Gate:
    """A middleware that is outside of ours, and answers in its own way."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["path"] == "/v2/admin":
            kind = [(b"content-type", b"application/json")]
            await send({"type": "http.response.start", "status": 403, "headers": kind})
            await send({"type": "http.response.body", "body": b'{"detail": "Admins only"}'})
        else:
            await self.app(scope, receive, send)


client = TestClient(Gate(app))
