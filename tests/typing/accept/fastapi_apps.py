"""A FastAPI application is installed on, and documents the errors that it raises."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, FastAPI

from kaiko_fastapi import KaikoMiddleware, install, responses
from kaiko_middleware import Config, KaikoError, NotFoundError, RateLimitError


class ContextNotFound(NotFoundError, code="context_not_found", param="context_id"):
    """The context does not exist, or it has expired."""


class ApplicationError(KaikoError):
    """A service's own base."""


app = FastAPI(responses=responses(RateLimitError))
install(app)
other = FastAPI()
install(other, config=Config(paths=("/v2",)))
third = FastAPI()
install(third, Config(reraise=False))
around = KaikoMiddleware(FastAPI())

router = APIRouter(responses=responses())


@app.get("/v2/contexts/{context_id}", responses=responses(ContextNotFound, RateLimitError))
def context(context_id: str) -> dict[str, str]:
    """Raise what is documented."""
    raise ContextNotFound(f"Context '{context_id}' has expired")


@router.get("/v2/x", responses={**responses(ApplicationError), 202: {"description": "Later"}})
def later() -> None:
    """Answer later."""


classes: list[type[KaikoError]] = [ContextNotFound, ApplicationError]
documented: dict[int | str, dict[str, Any]] = responses(*classes)
