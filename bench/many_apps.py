"""The two services of `many_machines`: Starlette for uvicorn and Django for gunicorn.

What they are set to is in the environment, since it is the servers that start them.
"""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, cast

from kaiko_guards import RateLimit

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

    from starlette.requests import Request
    from starlette.responses import Response

    from kaiko_asgi import ASGIApp

STORAGE = "BENCH_STORAGE"
ON_ERROR = "BENCH_ON_ERROR"
PER_SECOND = 10
"""What the limit allows each client, by its address."""
AT_ONCE = 100
"""What the limit of `/burst` allows a client, in a day."""
PROXIES = ("127.0.0.1",)


def limits() -> list[RateLimit]:
    """Return the limits, counted in the server that the environment names."""
    logging.getLogger("kaiko").setLevel(logging.ERROR)  # a line for each 429 is no news here

    def limit(rates: str, path: str) -> RateLimit:
        return RateLimit(
            rates,
            by="address",
            paths=(path,),
            storage=os.environ[STORAGE],
            on_storage_error="closed" if os.environ[ON_ERROR] == "closed" else "open",
            # Where load and workers share the cores, a worker waits for these and not for a server.
            storage_timeout=1.0,
        )

    return [
        limit(f"{PER_SECOND}/second", "/paced"),
        limit(f"{AT_ONCE}/day", "/burst"),
    ]


def starlette_app() -> ASGIApp:
    """Return the Starlette service."""
    from starlette.applications import Starlette  # noqa: PLC0415 - each server needs one framework
    from starlette.responses import PlainTextResponse  # noqa: PLC0415 - likewise
    from starlette.routing import Route  # noqa: PLC0415 - likewise

    from kaiko_guards.asgi import GuardMiddleware  # noqa: PLC0415 - likewise
    from kaiko_starlette import install  # noqa: PLC0415 - likewise

    async def answer(_request: Request) -> Response:
        return PlainTextResponse("ok")

    app = Starlette(routes=[Route(path, answer) for path in ("/health", "/paced", "/burst")])
    app.add_middleware(GuardMiddleware, guards=limits(), trusted_proxies=PROXIES)
    install(app)
    return cast("ASGIApp", app)  # Starlette has types of its own


def django_app() -> WSGIApplication:
    """Return the Django project."""
    import django  # noqa: PLC0415 - likewise
    from django.conf import settings  # noqa: PLC0415 - likewise
    from django.core.handlers.wsgi import WSGIHandler  # noqa: PLC0415 - likewise
    from django.http import HttpRequest, HttpResponse  # noqa: PLC0415 - likewise
    from django.urls import path  # noqa: PLC0415 - likewise

    def answer(_request: HttpRequest) -> HttpResponse:
        return HttpResponse("ok", content_type="text/plain")

    settings.configure(
        ALLOWED_HOSTS=["127.0.0.1"],
        INSTALLED_APPS=["kaiko_django"],
        KAIKO_GUARDS={"guards": limits(), "trusted_proxies": PROXIES},
        MIDDLEWARE=["kaiko_django.KaikoMiddleware", "kaiko_guards.django.GuardMiddleware"],
        ROOT_URLCONF=tuple(path(name, answer) for name in ("health", "paced", "burst")),
        SECRET_KEY="none is kept here",  # noqa: S106 - and none is wanted
    )
    django.setup()
    return WSGIHandler()
