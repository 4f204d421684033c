"""A site that is mounted beside the API: the log says at start-up what to set."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.testclient import TestClient

from kaiko_middleware import Config
from kaiko_middleware.neighbours import NEIGHBOURS
from kaiko_starlette import install

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.requests import Request


async def page(_request: Request) -> Response:
    """Be a page of an admin site."""
    return Response()


page.__module__ = "sqladmin.application"  # which mounts an application of Starlette's own


async def api(_request: Request) -> Response:
    """Be the API."""
    return Response()


def notes(caplog: pytest.LogCaptureFixture, *mounted: Mount, config: Config | None = None) -> str:
    """Start an application twice; return what the log says, and that it says it once."""
    app = Starlette(routes=[Route("/api", api), *mounted])
    install(app, config)
    for _ in range(2):
        with TestClient(app) as client:
            assert client.get("/api").status_code == 200
    return "\n".join(caplog.messages)


ADMIN = Mount("/admin", Starlette(routes=[Route("/", page)]))
TEXT = "Error answers of {} become envelopes: set `paths` to your API's prefix"


def test_an_admin_site_is_noted(caplog: pytest.LogCaptureFixture) -> None:
    """Once, when the application starts."""
    assert notes(caplog, ADMIN) == TEXT.format("SQLAdmin")
    assert caplog.records[0].name == "kaiko"


def test_so_is_a_static_site(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    """It has a page of its own for what is not found; plain files have none."""
    site, files = (StaticFiles(directory=tmp_path, html=html) for html in (True, False))
    assert notes(caplog, Mount("/site", site), ADMIN) == TEXT.format("SQLAdmin and a static site")
    caplog.clear()
    assert notes(caplog, Mount("/files", files)) == ""


@pytest.mark.parametrize(
    "config",
    [Config(paths=["/api"]), Config(exclude_paths=["/admin"]), Config(rewrite_answers=False)],
    ids=["paths", "exclude_paths", "rewrite_answers"],
)
def test_where_it_is_left_alone_nothing_is_said(
    caplog: pytest.LogCaptureFixture, config: Config
) -> None:
    """Nor where nothing is rewritten at all."""
    assert notes(caplog, ADMIN, config=config) == ""


def test_an_api_that_is_mounted_is_none(caplog: pytest.LogCaptureFixture) -> None:
    """Nor is one that answers by itself."""
    inner = Starlette(routes=[Route("/", api), Mount("/more", Starlette())])
    assert notes(caplog, Mount("/inner", inner)) == ""


def test_neighbours_have_names_that_read_well() -> None:
    """They are in the middle of a sentence."""
    assert all(name.strip(".") == name for name in NEIGHBOURS.values())
