"""What is no application is refused."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send

from kaiko_asgi import KaikoMiddleware
from kaiko_middleware import Config
from kaiko_starlette import install


async def bare(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer nothing."""


def wsgi(environ: dict[str, object], start_response: object) -> list[bytes]:
    """Answer nothing, the other way."""
    print(environ, start_response)
    return []


install(bare)  # error
install("app")  # error
install(Starlette)  # error
install(Starlette(), config={"paths": ["/v2"]})  # error
install(Starlette(), paths=("/v2",))  # error
KaikoMiddleware(wsgi)  # error
KaikoMiddleware("app")  # error
KaikoMiddleware(bare, config={"paths": ["/v2"]})  # error
KaikoMiddleware(bare, Config)  # error
KaikoMiddleware()  # error
