"""`paths` below a prefix: what the application's router matches counts, the log has it all."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route, WebSocketRoute

import kaiko_fastapi
from adapters.asgi.apps import error_of
from adapters.asgi.server import ask, call, connect, http_scope
from adapters.starlette.stacks import STACKS, Adopt
from kaiko_middleware import Config, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from kaiko_asgi import ASGIApp

adopted = pytest.mark.parametrize("adopt", STACKS, ids=lambda adopt: adopt.__name__)
PATHS = Config(paths=["/v2"], exclude_paths=["/v2/left"])


async def _typed(_request: Request) -> Response:
    raise NotFoundError("typed", code="context_not_found")


async def _bug(_request: Request) -> Response:
    raise ValueError("secret")


async def _returned(_request: Request) -> Response:
    return PlainTextResponse("It is taken", 409)


async def _socket(_websocket: object) -> None:
    raise NotFoundError("typed")


def service(adopt: Adopt, make: type[Starlette] = Starlette) -> ASGIApp:
    """Return an application whose API is at /v2."""
    views = {"typed": _typed, "bug": _bug, "returned": _returned}
    routes = [
        *(
            Route(f"{at}/{name}", view)
            for name, view in views.items()
            for at in ("/v2", "/v2/left")
        ),
        Mount("/v2/mounted", routes=[Route("/bug", _bug)]),
        Route("/other/bug", _bug),
        WebSocketRoute("/v2/socket", _socket),
        WebSocketRoute("/other/socket", _socket),
    ]
    return adopt(make(routes=routes), PATHS)


def mounted(app: ASGIApp) -> ASGIApp:
    """Return an application that has it at /api."""
    return Starlette(routes=[Mount("/outer", routes=[Mount("/api", app)])])


SERVED: dict[str, tuple[str, str, Callable[[ASGIApp], ASGIApp]]] = {
    # What servers put into the scope, as root path and before the path, and what is served.
    "no prefix": ("", "", lambda app: app),
    "uvicorn --root-path": ("/api", "/api", lambda app: app),
    "hypercorn --root-path": ("/api", "", lambda app: app),
    "mounted": ("", "/outer/api", mounted),
    "both": ("/api", "/api/outer/api", mounted),
}
served = pytest.mark.parametrize("how", SERVED)


@adopted
@served
@pytest.mark.parametrize(
    ("path", "status"),
    [("typed", 404), ("returned", 409), ("bug", 500), ("mounted/bug", 500), ("nowhere", 404)],
)
def test_covered(
    adopt: Adopt, how: str, path: str, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    """Every error below the API's prefix is an envelope, and its record has the whole path."""
    root_path, before, around = SERVED[how]
    if path.startswith("mounted") and not how.isalpha() and before != root_path:
        pytest.skip("Starlette finds no route in a mount below a root path that is not there")
    app = around(service(adopt))
    with caplog.at_level(logging.INFO):
        answer = asyncio.run(call(app, http_scope(f"{before}/v2/{path}", root_path=root_path)))
    assert (answer.status, error_of(answer)["request_id"]) == (status, answer.id)
    (record,) = [each for each in caplog.records if each.name.startswith("kaiko")]
    assert getattr(record, "path", None) == f"{before or root_path}/v2/{path}"


@adopted
@served
@pytest.mark.parametrize("path", ["v2/left/bug", "v2/left/typed", "v2/left/returned", "other/bug"])
def test_left_alone(adopt: Adopt, how: str, path: str, caplog: pytest.LogCaptureFixture) -> None:
    """What is not below it is the framework's."""
    root_path, before, around = SERVED[how]
    app = around(service(adopt))
    answer = asyncio.run(call(app, http_scope(f"{before}/{path}", root_path=root_path)))
    assert (answer.all("x-request-id"), answer.body[:1] == b"{") == ([], False)
    assert not [each for each in caplog.records if each.name.startswith("kaiko")]


@adopted
@served
def test_sockets(adopt: Adopt, how: str) -> None:
    """WebSockets are covered alike."""
    root_path, before, around = SERVED[how]
    app = around(service(adopt))
    covered = connect(app, f"{before}/v2/socket", root_path=root_path)
    assert covered.denial is not None
    assert error_of(covered.denial)["message"] == "typed"
    alone: Any = connect(app, f"{before}/other/socket", root_path=root_path)
    assert isinstance(alone.raised, NotFoundError)


def test_failing_middleware_outside() -> None:
    """Where our middleware was not reached, the handler finds the rule's answer itself."""

    class Failing:
        def __init__(self, app: ASGIApp) -> None:
            self.app = app

        async def __call__(self, *_args: object) -> None:
            raise ValueError("secret")

    app: Any = service(STACKS[0])
    app.user_middleware.insert(0, _entry(Failing))
    answer = ask(app, "/api/v2/typed", root_path="/api")
    assert (answer.status, error_of(answer)["code"]) == (500, "internal")
    assert ask(app, "/api/other/bug", root_path="/api").body == b"Internal Server Error"


def _entry(cls: Any) -> Any:
    from starlette.middleware import Middleware

    return Middleware(cls)


def test_document() -> None:
    """FastAPI's document shows the envelope where the answers are envelopes."""
    app = FastAPI(servers=[{"url": "/api"}])

    @app.get("/v2/x")
    @app.get("/other")
    async def _view(limit: int) -> int:
        return limit

    kaiko_fastapi.install(app, PATHS)
    paths = app.openapi()["paths"]
    assert "400" in paths["/v2/x"]["get"]["responses"]
    assert "400" not in paths["/other"]["get"]["responses"]
