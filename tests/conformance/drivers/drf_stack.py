"""Django REST framework on both kinds of stack, validating with serializers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support_django import setup_django

setup_django()

from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler

from conformance.asgi_client import AsgiDriver
from conformance.django_client import AtUrls
from conformance.drivers.django_stack import guarded
from conformance.guard_scenarios import NO_AWAIT, NO_CHUNKS
from conformance.wsgi_client import WsgiDriver
from kaiko_django import get_asgi_application, get_wsgi_application

if TYPE_CHECKING:
    from conformance.driver import Driver

_URLS = "conformance.drf_views"

DRIVERS: tuple[Driver, ...] = (
    AtUrls(_URLS, WsgiDriver("drf-wsgi", get_wsgi_application())),
    AtUrls(_URLS, WsgiDriver("drf-wsgi-middleware", WSGIHandler())),
    AtUrls(_URLS, AsgiDriver("drf-asgi", get_asgi_application())),
)
_LACKS = NO_AWAIT | NO_CHUNKS
GUARDED = (
    guarded("drf-wsgi", get_wsgi_application, _URLS, is_asgi=False),
    guarded("drf-wsgi-alone", WSGIHandler, _URLS, is_asgi=False, enveloped=False),
    guarded("drf-asgi", get_asgi_application, _URLS, is_asgi=True, lacks=_LACKS),
    guarded(
        "drf-asgi-alone",
        ASGIHandler,
        _URLS,
        is_asgi=True,
        lacks=_LACKS,
        enveloped=False,
    ),
)
