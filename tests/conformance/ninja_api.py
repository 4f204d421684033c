"""The acts of the shared scenarios as operations of django-ninja, and their routes."""

from __future__ import annotations

import asyncio
from threading import get_ident
from typing import TYPE_CHECKING

from support_django import setup_django

setup_django()

from django.core.handlers.asgi import ASGIRequest
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import path
from ninja import NinjaAPI

from conformance import scenarios
from conformance.scenarios import Answers, Parses, Raises, Streams
from django_project.scenario_views import answer_of, async_chunks, chunks
from kaiko_ninja import install

if TYPE_CHECKING:
    from django.http.response import HttpResponseBase


def do(request: HttpRequest, name: str) -> HttpResponseBase:
    """Do what the scenario says."""
    scenario = scenarios.BY_NAME.get(name)
    if scenario is None:
        raise Http404
    act = scenario.act
    match act:
        case Raises():
            raise act.make()
        case Answers():
            return answer_of(act)
        case Streams():
            made = async_chunks(act) if isinstance(request, ASGIRequest) else chunks(act)
            return StreamingHttpResponse(made, content_type=act.content_type)
        case _:
            raise Http404


async def do_async(request: HttpRequest, name: str) -> HttpResponseBase:
    """Do it in the event loop."""
    return do(request, name)


def validated(request: HttpRequest, body: scenarios.Body) -> dict[str, str]:
    """Let Ninja validate the body."""
    del request, body
    return {}


async def validated_async(request: HttpRequest, body: scenarios.Body) -> dict[str, str]:
    """Let Ninja validate the body, in the event loop."""
    del request, body
    return {}


def refuses(request: HttpRequest) -> HttpResponse:
    """Take no method but GET."""
    del request
    return HttpResponse()


def here(request: HttpRequest) -> HttpResponse:
    """Say in which thread it is."""
    del request
    return HttpResponse(str(get_ident()))


async def here_async(request: HttpRequest) -> HttpResponse:
    """Say in which thread it is."""
    return here(request)


async def waits(request: HttpRequest) -> None:
    """Take long."""
    del request
    await asyncio.sleep(60)


def make_api(name: str, *, is_async: bool) -> NinjaAPI:
    """Return the API, installed."""
    api = NinjaAPI(urls_namespace=name)
    install(api)
    parse = validated_async if is_async else validated
    for scenario in scenarios.SCENARIOS:
        if isinstance(scenario.act, Parses):
            api.post(f"/s/{scenario.name}", url_name=scenario.name)(parse)
    api.api_operation(["GET", "HEAD", "POST"], "/s/{name}")(do_async if is_async else do)
    api.get("/refuses")(refuses)
    api.get("/here")(here_async if is_async else here)
    api.get("/waits")(waits)
    return api


api = make_api("scenarios", is_async=False)
async_api = make_api("async-scenarios", is_async=True)
urlpatterns = [path("", api.urls)]
