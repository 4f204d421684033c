"""The acts of the shared scenarios as Django views, for both kinds of stack."""

from __future__ import annotations

import asyncio
from threading import get_ident
from typing import TYPE_CHECKING

from django.core.handlers.asgi import ASGIRequest
from django.http import (
    Http404,
    HttpResponse,
    HttpResponseNotAllowed,
    JsonResponse,
    StreamingHttpResponse,
)

from conformance.scenarios import BY_NAME, Answers, Body, Parses, Raises, Streams
from kaiko_middleware import parse_body

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from django.http import HttpRequest
    from django.http.response import HttpResponseBase


def view(request: HttpRequest, name: str) -> HttpResponseBase:
    """Do what the scenario says."""
    scenario = BY_NAME.get(name)
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
        case Parses():
            parse_body(Body, request.body)
            return JsonResponse({})
        case _:
            raise Http404


def refuses(request: HttpRequest) -> HttpResponse:
    """Take no method but GET and HEAD."""
    allowed = ["GET", "HEAD"]
    return HttpResponse() if request.method in allowed else HttpResponseNotAllowed(allowed)


def here(_request: HttpRequest) -> HttpResponse:
    """Say in which thread it is."""
    return HttpResponse(str(get_ident()))


async def waits(_request: HttpRequest) -> HttpResponse:
    """Take long."""
    await asyncio.sleep(60)
    return HttpResponse()


def answer_of(act: Answers) -> HttpResponse:
    """Return what a view returns."""
    response = HttpResponse(act.body, status=act.status, content_type=act.content_type)
    if act.content_type is None:
        del response["Content-Type"]
    for name, value in act.headers:
        if name.lower() == "set-cookie":
            response.cookies.load(value)
        else:
            response.headers[name] = value
    return response


def chunks(act: Streams) -> Iterator[bytes]:
    """Stream what a view streams."""
    yield from act.chunks
    if act.make is not None:
        raise act.make()


async def async_chunks(act: Streams) -> AsyncIterator[bytes]:
    """Stream it asynchronously."""
    for chunk in act.chunks:
        yield chunk
    if act.make is not None:
        raise act.make()
