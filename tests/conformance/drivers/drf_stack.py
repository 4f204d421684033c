"""Django REST framework on both kinds of stack, validating with serializers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support_django import setup_django

setup_django()

from django.core.handlers.asgi import ASGIHandler  # noqa: E402 - Django is set up first
from django.core.handlers.wsgi import WSGIHandler  # noqa: E402 - Django is set up first

from conformance.asgi_client import AsgiDriver  # noqa: E402 - likewise
from conformance.django_client import AtUrls  # noqa: E402 - likewise
from conformance.drivers.django_stack import guarded  # noqa: E402 - likewise
from conformance.guard_scenarios import NO_AWAIT, NO_CHUNKS  # noqa: E402 - likewise
from conformance.wsgi_client import WsgiDriver  # noqa: E402 - likewise
from kaiko_django import get_asgi_application, get_wsgi_application  # noqa: E402 - likewise

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
