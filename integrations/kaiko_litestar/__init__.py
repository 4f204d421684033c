"""kaiko-middleware for Litestar: one plugin, and every error answer is an envelope.

>>> from kaiko_litestar import KaikoPlugin, responses
>>> from kaiko_middleware import NotFoundError
>>> from litestar import Litestar, get
>>> class UserGone(NotFoundError, code="user_gone", param="user_id"):
...     "The user left."
>>> @get("/users/{user_id:int}", responses=responses(UserGone))
... async def user(user_id: int) -> dict[str, int]:
...     raise UserGone
>>> app = Litestar([user], plugins=[KaikoPlugin()])

Validation failures, WebSockets and the OpenAPI document follow the contract as well.
"""

from __future__ import annotations

from kaiko_middleware.extras import require

require("kaiko_litestar", "litestar")

from kaiko_litestar._openapi import responses
from kaiko_litestar._plugin import KaikoPlugin

__all__ = ["KaikoPlugin", "responses"]
