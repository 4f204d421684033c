"""The three ways to adopt the contract on Starlette, which must answer alike."""

from __future__ import annotations

from collections.abc import Callable

from kaiko_asgi import ASGIApp
from kaiko_middleware import Config
from kaiko_starlette import KaikoMiddleware, install
from starlette.applications import Starlette

Adopt = Callable[[Starlette, Config | None], ASGIApp]


def installed(app: Starlette, config: Config | None = None) -> ASGIApp:
    """`install(app)`."""
    install(app, config)
    return app


def added(app: Starlette, config: Config | None = None) -> ASGIApp:
    """`app.add_middleware(KaikoMiddleware)`, after all other middleware."""
    app.add_middleware(KaikoMiddleware, config=config)
    return app


def wrapped(app: Starlette, config: Config | None = None) -> ASGIApp:
    """`KaikoMiddleware(app)`, around the whole application."""
    return KaikoMiddleware(app, config)


STACKS: tuple[Adopt, ...] = (installed, added, wrapped)
