"""django-ninja on both kinds of stack, with synchronous and asynchronous operations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support_django import setup_django

setup_django()

from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler

from conformance.asgi_client import AsgiDriver
from conformance.django_client import AtUrls
from conformance.drivers.django_stack import guarded
from conformance.guard_scenarios import NO_AWAIT
from conformance.wsgi_client import WsgiDriver
from kaiko_django import get_asgi_application, get_wsgi_application

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
