"""One service on each framework, called through each test client there is."""

from __future__ import annotations

import asyncio
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

from support_django import setup_django

setup_django()

import httpx
import httpx2
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, Client, override_settings
from django.urls import path
from drf_spectacular.utils import extend_schema
from flask import Flask
from litestar import Litestar, Request, get
from litestar.testing import TestClient as LitestarClient
from ninja import NinjaAPI
from ninja.testing import TestAsyncClient
from ninja.testing import TestClient as NinjaClient
from rest_framework.decorators import api_view
from rest_framework.test import APIClient
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.testclient import TestClient

import kaiko_litestar
import kaiko_ninja
import kaiko_starlette
from kaiko_drf.spectacular import responses as drf_responses
from kaiko_middleware import NotFoundError
from kaiko_wsgi import KaikoMiddleware
from pytest_plugin.service import LampIsWet, LampNotFound

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


def fail(how: str) -> None:
    """Raise what a path asks for."""
    if how == "declared":
        raise LampNotFound("No lamp there")
    if how == "undeclared":
        raise LampIsWet
    if how == "ghost":
        raise NotFoundError("No lamp", code="ghost_not_found")


# --- Starlette and WSGI, which have no document ----------------------------------------


async def _endpoint(request: Any) -> Any:
    fail(request.path_params["how"])


starlette_app = Starlette(routes=[Route("/lamps/{how}", _endpoint)])
kaiko_starlette.install(starlette_app)


def _wsgi_app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    fail(environ["PATH_INFO"].rpartition("/")[2])
    start_response("204 No Content", [])
    return []


wsgi_app = KaikoMiddleware(_wsgi_app)
flask_app = Flask(__name__)
flask_app.wsgi_app = wsgi_app  # type: ignore[method-assign]  # as Flask's documentation does

# --- Litestar --------------------------------------------------------------------------


@get("/lamps/{how:str}", responses=kaiko_litestar.responses(LampNotFound), sync_to_thread=False)
def _litestar_lamp(request: Request[Any, Any, Any]) -> None:
    fail(request.path_params["how"])


litestar_app = Litestar(
    [_litestar_lamp],
    plugins=[kaiko_litestar.KaikoPlugin()],
    logging_config=None,  # it would set up the root logger, for all tests
)

# --- Django, DRF and Ninja -------------------------------------------------------------


def _view(_request: HttpRequest, how: str) -> HttpResponse:
    fail(how)
    return HttpResponse()


_documented: Any = extend_schema(responses={204: None, **drf_responses(LampNotFound)})


@api_view(["GET"])
def _drf_lamp(_request: Any, how: str) -> Any:
    fail(how)


api = NinjaAPI(urls_namespace="plugin-clients")
client_api = NinjaAPI(urls_namespace="plugin-ninja-client")  # its client mounts it
kaiko_ninja.install(api)
kaiko_ninja.install(client_api)


@api.get("/lamps/{how}", response={200: None, **kaiko_ninja.responses(LampNotFound)})
@client_api.get("/lamps/{how}", response={200: None, **kaiko_ninja.responses(LampNotFound)})
def _ninja_lamp(request: Any, how: str) -> None:  # noqa: ARG001 - Ninja passes it
    fail(how)


async_api = NinjaAPI(urls_namespace="plugin-async-clients")
kaiko_ninja.install(async_api)


@async_api.get("/lamps/{how}", response={200: None, **kaiko_ninja.responses(LampNotFound)})
async def _async_ninja_lamp(request: Any, how: str) -> None:  # noqa: ARG001 - likewise
    fail(how)


_urls = ModuleType("served_to_plugin_clients")
drf_lamp: Any = _documented(_drf_lamp)
vars(_urls)["urlpatterns"] = [
    path("lamps/<how>", _view),
    path("drf/lamps/<how>", drf_lamp),
    path("ninja/", api.urls),
]
sys.modules[_urls.__name__] = _urls


def _by_django(client: Any, prefix: str = "") -> Callable[[str], Any]:
    def ask(at: str) -> Any:
        with override_settings(ROOT_URLCONF=_urls.__name__, KAIKO_MIDDLEWARE={}):
            answer = client().get(f"{prefix}{at}")
            return asyncio.run(answer) if asyncio.iscoroutine(answer) else answer

    return ask


def _by_ninja(client: Any) -> Callable[[str], Any]:
    def ask(at: str) -> Any:
        with override_settings(KAIKO_MIDDLEWARE={}):
            answer = client.get(at)
            return asyncio.run(answer) if asyncio.iscoroutine(answer) else answer

    return ask


def _by_asgi(lib: Any) -> Callable[[str], Any]:
    async def ask(at: str) -> Any:
        transport = lib.ASGITransport(app=starlette_app)
        async with lib.AsyncClient(transport=transport, base_url="http://a.test") as client:
            return await client.get(at)

    return lambda at: asyncio.run(ask(at))


def _by_wsgi(lib: Any) -> Callable[[str], Any]:
    def ask(at: str) -> Any:
        with lib.Client(transport=lib.WSGITransport(app=wsgi_app), base_url="http://a") as client:
            return client.get(at)

    return ask


CLIENTS: dict[str, Callable[[str], Any]] = {
    "starlette": lambda at: TestClient(starlette_app).get(at),
    "litestar": lambda at: LitestarClient(litestar_app).get(at),
    "httpx-asgi": _by_asgi(httpx),
    "httpx2-asgi": _by_asgi(httpx2),
    "httpx-wsgi": _by_wsgi(httpx),
    "httpx2-wsgi": _by_wsgi(httpx2),
    "flask": lambda at: flask_app.test_client().get(at, buffered=True),
    "django": _by_django(Client),
    "django-async": _by_django(AsyncClient),
    "drf": _by_django(APIClient, "/drf"),
    "ninja-django": _by_django(Client, "/ninja"),
    "ninja": _by_ninja(NinjaClient(client_api)),
    "ninja-async": _by_ninja(TestAsyncClient(async_api)),
}
"""By name: what asks for a path."""
