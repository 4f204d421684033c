"""kaiko-middleware for Starlette: `install(app)`, and every error answer is an envelope.

>>> from starlette.applications import Starlette
>>> from kaiko_starlette import install
>>> app = Starlette()
>>> install(app)
"""

from __future__ import annotations

from kaiko_middleware.extras import require

require("kaiko_starlette", "starlette")

from kaiko_asgi import KaikoMiddleware
from kaiko_starlette.installation import install

__all__ = ["KaikoMiddleware", "install"]
