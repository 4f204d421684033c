"""kaiko-middleware for any ASGI application: one middleware, no framework.

>>> async def app(scope, receive, send):
...     raise LookupError("a bug")
>>> from kaiko_asgi import KaikoMiddleware
>>> app = KaikoMiddleware(app)

Outermost is its place: every error answer of what it wraps is then an envelope.
"""

from __future__ import annotations

from kaiko_asgi._middleware import KaikoMiddleware
from kaiko_asgi._types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["ASGIApp", "KaikoMiddleware", "Message", "Receive", "Scope", "Send"]
