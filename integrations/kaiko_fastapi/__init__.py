"""kaiko-middleware for FastAPI: `install(app)` makes every error answer an envelope.

>>> from fastapi import FastAPI
>>> from kaiko_fastapi import install, responses
>>> from kaiko_middleware import NotFoundError
>>> class ContextGone(NotFoundError, code="context_gone", param="context_id", status=410):
...     "The context was deleted."
>>> app = FastAPI()
>>> install(app)
>>> @app.get("/v2/contexts/{context_id}", responses=responses(ContextGone))
... def context(context_id: str) -> dict[str, str]:
...     raise ContextGone

Validation failures, the errors of security schemes and of dependencies, and the OpenAPI
document follow the contract as well.
"""

from __future__ import annotations

from kaiko_middleware.extras import require

require("kaiko_fastapi", "fastapi")

from kaiko_fastapi._install import install
from kaiko_fastapi._responses import responses
from kaiko_starlette import KaikoMiddleware

__all__ = ["KaikoMiddleware", "install", "responses"]
