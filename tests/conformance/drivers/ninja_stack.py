"""django-ninja on both kinds of stack, with synchronous and asynchronous operations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support_django import setup_django

setup_django()

from django.core.handlers.wsgi import WSGIHandler  # noqa: E402 - Django is set up first

from conformance.asgi_client import AsgiDriver  # noqa: E402 - likewise
from conformance.django_client import AtUrls  # noqa: E402 - likewise
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
