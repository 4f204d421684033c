"""The warning of what would hide the failure of a stream, with FastAPI's own way to add it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter, FastAPI
from fastapi.testclient import TestClient

from kaiko_fastapi import install

if TYPE_CHECKING:
    import pytest
    from starlette.middleware.base import RequestResponseEndpoint
    from starlette.requests import Request
    from starlette.responses import Response


async def passes(request: Request, call_next: RequestResponseEndpoint) -> Response:
    """Pass on."""
    return await call_next(request)


def make() -> FastAPI:
    """Return an application with a route of a router's."""
    router = APIRouter()
    router.add_api_route("/x", lambda: "ok")
    app = FastAPI()
    app.include_router(router)
    return app


def _start(app: FastAPI) -> None:
    with TestClient(app) as client:
        assert client.get("/x").status_code == 200


def test_a_function_inside_is_named(caplog: pytest.LogCaptureFixture) -> None:
    """`@app.middleware("http")` before `install` stands inside: one warning, at start-up."""
    app = make()
    app.middleware("http")(passes)
    install(app)
    with TestClient(app):
        (record,) = [each for each in caplog.records if each.name.startswith("kaiko")]
        assert record.levelname == "WARNING"
        assert f"{__name__}.passes" in record.getMessage()
    _start(app)
    assert len([each for each in caplog.records if each.name.startswith("kaiko")]) == 1


def test_a_function_outside_is_not(caplog: pytest.LogCaptureFixture) -> None:
    """After `install` it stands outside, where it does no harm to event streams."""
    app = make()
    install(app)
    app.middleware("http")(passes)
    _start(app)
    assert [each for each in caplog.records if each.name.startswith("kaiko")] == []
