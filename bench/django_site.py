"""A small Django project, bare or with the middleware, on WSGI and on ASGI."""

from __future__ import annotations

import asyncio
from functools import partial
from io import BytesIO
from typing import TYPE_CHECKING, cast
from unittest.mock import patch

import django
from asgiref.sync import SyncToAsync
from django.conf import settings
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.test.utils import override_settings
from django.urls import path

from bench import django_by_hand
from bench.answers import MISSING, ContextNotFound, by_hand, check, fail
from bench.asgi import drop, scope_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from wsgiref.types import StartResponse, WSGIEnvironment

    from bench.measure import Run
    from kaiko_asgi import ASGIApp, Message, Send

OURS = ("kaiko_django.KaikoMiddleware",)
BY_HAND = ("bench.django_by_hand.Middleware",)

if not settings.configured:
    settings.configure(
        ALLOWED_HOSTS=["127.0.0.1"],
        INSTALLED_APPS=["kaiko_django"],
        MIDDLEWARE=[],
        REST_FRAMEWORK={"UNAUTHENTICATED_USER": None},  # its default needs Django's accounts
        ROOT_URLCONF=__name__,
        SECRET_KEY="none is kept here",  # noqa: S106 - and none is wanted
        USE_I18N=False,
    )
    django.setup()


def success(_request: HttpRequest) -> HttpResponse:
    """Answer a success."""
    return JsonResponse({"status": "ok"})


def typed(_request: HttpRequest) -> HttpResponse:
    """Fail as a service of ours does."""
    raise ContextNotFound(MISSING)


def typed_by_hand(_request: HttpRequest) -> HttpResponse:
    """Fail as a service does that has a middleware of its own."""
    raise django_by_hand.ContextNotFound(MISSING)


def bug(_request: HttpRequest) -> HttpResponse:
    """Fail as nobody planned."""
    return JsonResponse(fail())


def written(_request: HttpRequest) -> HttpResponse:
    """Answer the typed error by hand."""
    body, headers = by_hand(404)
    return JsonResponse(body, status=404, headers=headers)


async def async_success(request: HttpRequest) -> HttpResponse:
    """Answer a success."""
    return success(request)


async def async_typed(request: HttpRequest) -> HttpResponse:
    """Fail as a service of ours does."""
    return typed(request)


async def async_bug(request: HttpRequest) -> HttpResponse:
    """Fail as nobody planned."""
    return bug(request)


async def async_written(request: HttpRequest) -> HttpResponse:
    """Answer the typed error by hand."""
    return written(request)


urlpatterns = [
    path("v2/success", success),
    path("v2/typed", typed),
    path("v2/typed_by_hand", typed_by_hand),
    path("v2/bug", bug),
    path("v2/written", written),
    path("v2/async_success", async_success),
    path("v2/async_typed", async_typed),
    path("v2/async_bug", async_bug),
    path("v2/async_written", async_written),
]


def asgi_application(middleware: Iterable[str] = ()) -> ASGIApp:
    """Return the project on ASGI with some middleware."""
    with override_settings(MIDDLEWARE=list(middleware)):
        # Its stub asks for a dict where ASGI knows any mutable mapping.
        return cast("ASGIApp", ASGIHandler())  # its stubs have types of their own


def wsgi(name: str, status: int, middleware: Iterable[str] = (), *, body: bytes = b"") -> Run:
    """Return the project on WSGI, asked for a view.

    Arguments:
        name: the view.
        status: what it has to answer, which is checked once.
        middleware: the setting MIDDLEWARE.
        body: what is posted; empty: it is a GET.

    """
    with override_settings(MIDDLEWARE=list(middleware)):
        app = WSGIHandler()
    template = _environ(f"/v2/{name}")
    if body:
        template |= {"REQUEST_METHOD": "POST", "CONTENT_LENGTH": str(len(body))}
    lines: list[str] = []

    def note(line: str, *_fields: object) -> Callable[[bytes], object]:
        lines.append(line)
        return drop_bytes

    def pass_by(_line: str, *_fields: object) -> Callable[[bytes], object]:
        return drop_bytes

    def serve(start_response: StartResponse, times: int) -> None:
        for _ in range(times):
            response = app({**template, "wsgi.input": BytesIO(body)}, start_response)
            for _chunk in response:
                pass
            response.close()

    serve(note, 1)
    check(name, int(lines[0][:3]), status)
    return partial(serve, pass_by)


def asgi(name: str, status: int, middleware: Iterable[str] = ()) -> Run:
    """Return the project on ASGI in an event loop, asked for a view; arguments as above."""
    app = asgi_application(middleware)
    template = scope_for(f"/v2/{name}")
    loop = _loop()
    heads: list[Message] = []

    async def keep(message: Message) -> None:
        heads.append(message)

    async def serve(send: Send, times: int) -> None:
        for _ in range(times):
            await app({**template, "state": {}}, _Receive(), send)

    def run(times: int) -> None:
        loop.run_until_complete(serve(drop, times))

    loop.run_until_complete(serve(keep, 1))
    check(name, heads[0]["status"], status)
    return run


def thread_hops(name: str, middleware: Iterable[str] = ()) -> int:
    """Return how often a request of the ASGI stack changes to a thread."""
    run = asgi(name, 200, middleware)
    hopping: Callable[..., object] = vars(SyncToAsync)["__call__"]
    with patch.object(SyncToAsync, "__call__", autospec=True, side_effect=hopping) as hop:
        run(1)
    return hop.call_count


def drop_bytes(_data: bytes) -> None:
    """Send nowhere."""


class _Receive:
    """A request without a body whose client stays until it is answered."""

    def __init__(self) -> None:
        self._read = False

    async def __call__(self) -> Message:
        if self._read:
            await asyncio.get_running_loop().create_future()
        self._read = True
        return {"type": "http.request", "body": b"", "more_body": False}


_loops: list[asyncio.AbstractEventLoop] = []


def _loop() -> asyncio.AbstractEventLoop:
    # One for all, so that asgiref keeps its thread.
    if not _loops:
        _loops.append(asyncio.new_event_loop())
    return _loops[0]


def _environ(request_path: str) -> WSGIEnvironment:
    return {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": request_path,
        "QUERY_STRING": "",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": "2",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "127.0.0.1:8000",
        "HTTP_USER_AGENT": "python-httpx2/2.16.2",
        "HTTP_ACCEPT": "*/*",
        "HTTP_ACCEPT_ENCODING": "gzip, deflate",
        "HTTP_X_API_KEY": "kaiko_test_0123456789abcdef",
        "HTTP_X_FORWARDED_FOR": "192.0.2.7",
        "HTTP_X_FORWARDED_PROTO": "https",
        "HTTP_X_REQUEST_ID": "req-7f65ab21d1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
