"""Applications whose own middleware catches exceptions, for `test_who_catches.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

import kaiko_fastapi
import kaiko_starlette
from kaiko_middleware import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.middleware.base import RequestResponseEndpoint
    from starlette.requests import Request

    from kaiko_asgi import ASGIApp, Receive, Scope, Send
    from kaiko_middleware import Config

ORIGIN = ("Origin", "https://a.example")


class SoldOutError(Exception):
    """The service's own; its middleware answers it."""


class BugError(Exception):
    """No middleware and no mapping knows it."""


class StockError(Exception):
    """The service's own; a test maps it."""


class Catching:
    """A pure ASGI middleware that catches and answers."""

    def __init__(self, app: ASGIApp, caught: type[Exception] = SoldOutError) -> None:
        self.app = app
        self.caught = caught

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, and catch."""
        try:
            await self.app(scope, receive, send)
        except self.caught:
            await JSONResponse({"detail": "Sold out"}, 409)(scope, receive, send)


class Watching:
    """One that keeps what passes, as what reports exceptions does.

    Arguments:
        app: what it wraps.
        seen: where it keeps them.

    """

    def __init__(self, app: ASGIApp, seen: list[Exception]) -> None:
        self.app = app
        self.seen = seen

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, and note."""
        try:
            await self.app(scope, receive, send)
        except Exception as exc:
            self.seen.append(exc)
            raise


class CatchingBase(BaseHTTPMiddleware):
    """The same as a `BaseHTTPMiddleware`."""

    async def dispatch(self, request: Request, call_next: RequestResponseEndpoint) -> Response:
        """Pass on, and catch."""
        try:
            return await call_next(request)
        except SoldOutError:
            return JSONResponse({"detail": "Sold out"}, 409)


def _raises(error: Callable[[], Exception]) -> Any:
    async def endpoint(request: Request) -> Response:
        del request
        raise error()

    return endpoint


async def _ok(request: Request) -> Response:
    del request
    return PlainTextResponse("ok")


def routes() -> list[Route]:
    """Return the routes that each of these applications has."""
    ways: dict[str, Callable[[], Exception]] = {
        "/sold-out": SoldOutError,
        "/bug": lambda: BugError("secret"),
        "/stock": StockError,
        "/typed": lambda: NotFoundError("no"),
        "/timeout": TimeoutError,
    }
    return [Route("/ok", _ok), *(Route(path, _raises(make)) for path, make in ways.items())]


def starlette(**how: Any) -> Starlette:
    """Return a Starlette application."""
    return Starlette(routes=routes(), **how)


def fastapi(**how: Any) -> FastAPI:
    """Return a FastAPI application."""
    app = FastAPI(**how)
    app.router.routes.extend(routes())
    return app


INSTALLS: dict[object, Any] = {Starlette: kaiko_starlette.install, FastAPI: kaiko_fastapi.install}


def with_cors(
    make: Callable[[], Starlette],
    catching: Any,
    order: str,
    config: Config | None = None,
) -> Starlette:
    """Return an installed application whose CORS middleware is outside of what catches.

    Arguments:
        make: makes the application.
        catching: the class of what catches.
        order: whether these are added "before" or "after" `install`.
        config: the settings.

    """
    app = make()
    install = INSTALLS[type(app)]
    if order == "after":
        install(app, config)
    app.add_middleware(catching)
    app.add_middleware(CORSMiddleware, allow_origins=["https://a.example"])
    if order == "before":
        install(app, config)
    return app
