"""What docs/testing.md says of each test client: one bug and one typed error on each."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

from support_django import setup_django

setup_django()

import httpx
import httpx2
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, Client, RequestFactory, override_settings
from django.urls import path
from fastapi import FastAPI
from fastapi.testclient import TestClient as FastAPIClient
from litestar import Litestar, get
from litestar.testing import TestClient as LitestarClient
from ninja import NinjaAPI, Schema
from ninja.testing import TestClient as NinjaClient
from rest_framework.decorators import api_view
from rest_framework.test import APIClient, APIRequestFactory
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.testclient import TestClient

import kaiko_fastapi
import kaiko_ninja
import kaiko_starlette
from kaiko_litestar import KaikoPlugin
from kaiko_middleware import Config, NotFoundError
from kaiko_wsgi import KaikoMiddleware

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PAGE = Path(__file__).parents[2] / "docs/testing.md"
BUG, TYPED = "/bug", "/typed"


def fail(at: str) -> Any:
    """Raise what a path stands for."""
    raise NotFoundError("Nothing is there") if at == TYPED else ZeroDivisionError


# --- the same service on each framework ------------------------------------------------


async def _endpoint(request: Any) -> Any:
    fail(request.url.path)


starlette_app = Starlette(routes=[Route(BUG, _endpoint), Route(TYPED, _endpoint)])
kaiko_starlette.install(starlette_app)
fastapi_app = FastAPI()
kaiko_fastapi.install(fastapi_app)
fastapi_app.add_api_route(BUG, lambda: fail(BUG))
fastapi_app.add_api_route(TYPED, lambda: fail(TYPED))


@get(BUG, sync_to_thread=False)
def _litestar_bug() -> None:
    fail(BUG)


@get(TYPED, sync_to_thread=False)
def _litestar_typed() -> None:
    fail(TYPED)


litestar_app = Litestar(
    [_litestar_bug, _litestar_typed],
    plugins=[KaikoPlugin()],
    logging_config=None,  # it would set up the root logger, for all tests
)


def _wsgi_app(environ: Any, _start_response: Any) -> Any:
    fail(environ["PATH_INFO"])


def _view(request: HttpRequest) -> HttpResponse:
    fail(request.path_info)
    return HttpResponse()


@api_view(["GET"])
def _drf_function(request: Any) -> Any:
    fail(request.path_info)


_drf_view: Any = _drf_function


class _TitledSchema(Schema):
    title: str


api = NinjaAPI(urls_namespace="test-clients")
kaiko_ninja.install(api)


@api.get(BUG)
def _ninja_bug(request: Any) -> None:  # noqa: ARG001 - Ninja passes it
    fail(BUG)


@api.get(TYPED)
def _ninja_typed(request: Any) -> None:  # noqa: ARG001 - likewise
    fail(TYPED)


@api.post("/titled")
def _ninja_titled(request: Any, body: _TitledSchema) -> None:
    """Be what validation guards."""


_urls = ModuleType("served_to_test_clients")
vars(_urls)["urlpatterns"] = [
    path("bug", _drf_view),
    path("typed", _view),
]
sys.modules[_urls.__name__] = _urls


@pytest.fixture(autouse=True)
def _served() -> Iterator[None]:
    with override_settings(ROOT_URLCONF=_urls.__name__, KAIKO_MIDDLEWARE={}):
        yield


# --- the clients -----------------------------------------------------------------------


def _by_asgi(lib: Any, **options: Any) -> Callable[[str], Any]:
    async def ask(at: str) -> Any:
        transport = lib.ASGITransport(app=starlette_app, **options)
        async with lib.AsyncClient(transport=transport, base_url="http://a.test") as client:
            return await client.get(at)

    return lambda at: asyncio.run(ask(at))


def _by_wsgi(lib: Any, config: Config) -> Callable[[str], Any]:
    def ask(at: str) -> Any:
        transport = lib.WSGITransport(app=KaikoMiddleware(_wsgi_app, config))
        with lib.Client(transport=transport, base_url="http://a.test") as client:
            return client.get(at)

    return ask


def _by_async_django(client: AsyncClient) -> Callable[[str], Any]:
    return lambda at: asyncio.run(client.get(at))


RAISING: dict[str, Callable[[str], Any]] = {
    "starlette": lambda at: TestClient(starlette_app).get(at),
    "fastapi": lambda at: FastAPIClient(fastapi_app).get(at),
    "httpx2-asgi": _by_asgi(httpx2),
    "httpx-asgi": _by_asgi(httpx),
    "httpx2-wsgi": _by_wsgi(httpx2, Config()),
    "httpx-wsgi": _by_wsgi(httpx, Config()),
    "django": lambda at: Client().get(at),
    "django-async": _by_async_django(AsyncClient()),
    "drf": lambda at: APIClient().get(at),
}
ANSWERING: dict[str, Callable[[str], Any]] = {
    "starlette": lambda at: TestClient(starlette_app, raise_server_exceptions=False).get(at),
    "fastapi": lambda at: FastAPIClient(fastapi_app, raise_server_exceptions=False).get(at),
    "httpx2-asgi": _by_asgi(httpx2, raise_app_exceptions=False),
    "httpx-asgi": _by_asgi(httpx, raise_app_exceptions=False),
    "httpx2-wsgi": _by_wsgi(httpx2, Config(reraise=False)),
    "httpx-wsgi": _by_wsgi(httpx, Config(reraise=False)),
    "django": lambda at: Client(raise_request_exception=False).get(at),
    "django-async": _by_async_django(AsyncClient(raise_request_exception=False)),
    "drf": lambda at: APIClient(raise_request_exception=False).get(at),
    "litestar": lambda at: LitestarClient(litestar_app).get(at),
}


def code_of(answer: Any) -> str:
    """Read the code of an envelope."""
    code: str = json.loads(answer.content)["error"]["code"]
    return code


@pytest.mark.parametrize("client", RAISING)
def test_a_bug_is_raised(client: str) -> None:
    """By default it fails the test."""
    with pytest.raises(ZeroDivisionError):
        RAISING[client](BUG)
    assert code_of(RAISING[client](TYPED)) == "not_found"


@pytest.mark.parametrize("client", ANSWERING)
def test_a_bug_is_answered(client: str) -> None:
    """As the page says how."""
    assert code_of(ANSWERING[client](BUG)) == "internal"
    assert code_of(ANSWERING[client](TYPED)) == "not_found"


def test_ninjas_client_goes_around_the_middleware() -> None:
    """Our handlers answer within `paths`, which its paths are not; the rest is Ninja's own."""
    client = NinjaClient(api)
    assert code_of(client.get(TYPED)) == "not_found"
    assert client.post(BUG).content == b"Method not allowed"
    with pytest.raises(ZeroDivisionError):
        client.get(BUG)
    with pytest.raises(Exception, match="Cannot resolve"):
        client.get("/nowhere")
    with override_settings(KAIKO_MIDDLEWARE={"paths": ["/v2"]}):
        assert client.post("/titled", json={}).json()["detail"][0]["type"] == "missing"
        with pytest.raises(NotFoundError):
            client.get(TYPED)


def test_request_factories_go_around_the_middleware() -> None:
    """Django's shows what a view raises; with DRF's, its exception handler runs."""
    with pytest.raises(NotFoundError):
        _view(RequestFactory().get(TYPED))
    made = APIRequestFactory()
    assert code_of(_drf_view(made.get(TYPED)).render()) == "not_found"
    with pytest.raises(ZeroDivisionError):
        _drf_view(made.get(BUG))


def test_the_page_says_how() -> None:
    """Each setting that is tried here is on the page."""
    page = PAGE.read_text()
    for said in ("raise_server_exceptions", "raise_app_exceptions", "raise_request_exception"):
        assert f"{said}=False" in page
