"""The three ways to adopt the contract on Starlette, which must answer alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from kaiko_starlette import KaikoMiddleware, install

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from kaiko_asgi import ASGIApp
    from kaiko_middleware import Config


class Adopt(Protocol):
    """A way to adopt the contract, by its name in a report."""

    __name__: str

    def __call__(self, app: Starlette, config: Config | None = None) -> ASGIApp:
        """Return what is served."""
        ...


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
