"""django-ninja on both kinds of stack, with synchronous and asynchronous operations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support_django import setup_django

setup_django()

from django.core.handlers.asgi import ASGIHandler  # noqa: E402 - Django is set up first
from django.core.handlers.wsgi import WSGIHandler  # noqa: E402 - Django is set up first

from conformance.asgi_client import AsgiDriver  # noqa: E402 - likewise
from conformance.django_client import AtUrls  # noqa: E402 - likewise
from conformance.drivers.django_stack import guarded  # noqa: E402 - likewise
from conformance.guard_scenarios import NO_AWAIT  # noqa: E402 - likewise
from conformance.wsgi_client import WsgiDriver  # noqa: E402 - likewise
from kaiko_django import get_asgi_application, get_wsgi_application  # noqa: E402 - likewise

if TYPE_CHECKING:
    from conformance.driver import Driver

_URLS = "conformance.ninja_api"
_ASYNC_URLS = "conformance.ninja_async_api"

DRIVERS: tuple[Driver, ...] = (
    AtUrls(_URLS, WsgiDriver("ninja-wsgi", get_wsgi_application())),
    AtUrls(_URLS, WsgiDriver("ninja-wsgi-middleware", WSGIHandler())),
    AtUrls(_URLS, AsgiDriver("ninja-asgi", get_asgi_application())),
    AtUrls(_ASYNC_URLS, AsgiDriver("ninja-asgi-async", get_asgi_application())),
)

GUARDED = (
    guarded("ninja-wsgi", get_wsgi_application, _URLS, is_asgi=False),
    guarded("ninja-wsgi-alone", WSGIHandler, _URLS, is_asgi=False, enveloped=False),
    guarded("ninja-asgi", get_asgi_application, _URLS, is_asgi=True, lacks=NO_AWAIT),
    guarded("ninja-asgi-async", get_asgi_application, _ASYNC_URLS, is_asgi=True),
    guarded(
        "ninja-asgi-async-alone",
        ASGIHandler,
        _ASYNC_URLS,
        is_asgi=True,
        enveloped=False,
    ),
)
