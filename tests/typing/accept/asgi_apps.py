"""The middleware wraps what calls itself an ASGI application, and is one."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Receive, Scope, Send

import kaiko_asgi
from kaiko_middleware import Config
from kaiko_starlette import KaikoMiddleware, install


async def bare(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer nothing, in Starlette's types."""


app = Starlette(middleware=[Middleware(KaikoMiddleware, config=Config(paths=("/v2",)))])
other = Starlette()
install(other)
installed = Starlette()
install(installed, config=Config(reraise=False))

around_bare: ASGIApp = kaiko_asgi.KaikoMiddleware(bare)
around_app: ASGIApp = kaiko_asgi.KaikoMiddleware(app, config=Config())
twice: ASGIApp = kaiko_asgi.KaikoMiddleware(kaiko_asgi.KaikoMiddleware(bare), Config())
