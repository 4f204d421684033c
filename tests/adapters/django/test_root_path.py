"""`paths` below a prefix, on Django: `path_info` counts, and the log has the whole path."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest
from django.http import HttpResponse
from django.test import override_settings
from django.urls import path as route
from django.urls import set_script_prefix

import kaiko_ninja
from adapters.asgi.apps import error_of
from adapters.django.stacks import OURS, Stack, Urls
from adapters.django.support import bug, each_stack
from kaiko_middleware import NotFoundError
from support_django import setup_django

setup_django()

from rest_framework.views import APIView

from adapters.ninja.apis import bare_api

if TYPE_CHECKING:
    from django.http import HttpRequest

SETTINGS: dict[str, Any] = {
    "MIDDLEWARE": [OURS],
    "KAIKO_MIDDLEWARE": {"paths": ["/v2"]},
    "REST_FRAMEWORK": {
        "UNAUTHENTICATED_USER": None,
        "EXCEPTION_HANDLER": "kaiko_drf.exception_handler",
    },
}


def typed(_request: HttpRequest) -> HttpResponse:
    """Fail."""
    raise NotFoundError("typed")


def returned(_request: HttpRequest) -> HttpResponse:
    """Answer an error."""
    return HttpResponse("It is taken", status=409)


class DrfView(APIView):
    """Fail, inside of DRF."""

    def get(self, _request: object) -> object:
        """Fail."""
        raise NotFoundError("typed")


def urls() -> Urls:
    """Return the API's routes at /v2, and the same beside it."""
    views: dict[str, Any] = {
        "bug": bug,
        "typed": typed,
        "returned": returned,
        "drf": DrfView.as_view(),
    }
    api = bare_api()

    @api.get("/typed")
    def _typed(request: HttpRequest) -> None:  # noqa: ARG001 - Ninja wants this name
        raise NotFoundError("typed")

    kaiko_ninja.install(api)
    found = [route(f"{at}/{name}", view) for name, view in views.items() for at in ("v2", "other")]
    mounted: Any = route("v2/ninja/", api.urls)  # stubs want patterns alone
    return Urls([*found, mounted])


def ask(stack: Stack, how: str, path: str) -> Any:
    """Ask for a path below /api, as a server of that kind would."""
    app = stack.make()
    if how == "no prefix":
        return stack.ask_app(app, path)
    if not stack.asgi:
        name = "" if how == "forced" else "/api"
        return stack.ask_app(app, path, SCRIPT_NAME=name)
    root_path = "" if how == "forced" else "/api"
    served = path if how == "not in the path" else f"/api{path}"
    return stack.ask_app(app, served, root_path=root_path)


each_way = pytest.mark.parametrize("how", ["no prefix", "in the path", "not in the path", "forced"])


@each_stack
@each_way
def test_paths(stack: Stack, how: str, caplog: pytest.LogCaptureFixture) -> None:
    """On every stack, below any prefix, the API's errors are envelopes, and no other ones."""
    forced = {"FORCE_SCRIPT_NAME": "/api"} if how == "forced" else {}
    with override_settings(**SETTINGS, **forced, ROOT_URLCONF=urls()):
        for name, status in (
            ("bug", 500),
            ("typed", 404),
            ("returned", 409),
            ("drf", 404),
            ("ninja/typed", 404),
            ("nowhere", 404),
        ):
            caplog.clear()
            with caplog.at_level(logging.INFO, "kaiko"):
                answer = ask(stack, how, f"/v2/{name}")
            assert answer.status == status
            error_of(answer)
            (record,) = [each for each in caplog.records if each.name.startswith("kaiko")]
            expected = f"/v2/{name}" if how == "no prefix" else f"/api/v2/{name}"
            assert getattr(record, "path", None) == expected
        for name in ("bug", "typed", "returned", "drf", "nowhere"):
            caplog.clear()
            answer = ask(stack, how, f"/other/{name}")
            assert not [value for key, value in answer.headers if key.lower() == "x-request-id"]
            assert not [each for each in caplog.records if each.name.startswith("kaiko")]


def test_ninjas_document() -> None:
    """Ninja's document has the prefix in its paths; it shows what is answered."""
    api = bare_api()

    @api.get("/x")
    def _view(request: HttpRequest, limit: int) -> int:  # noqa: ARG001 - as above
        return limit

    kaiko_ninja.install(api)
    mounted: Any = route("v2/", api.urls)
    with override_settings(**SETTINGS, ROOT_URLCONF=Urls([mounted])):
        set_script_prefix("/api/")
        try:
            document = api.get_openapi_schema()
        finally:
            set_script_prefix("/")
    assert 400 in document["paths"]["/api/v2/x"]["get"]["responses"]
