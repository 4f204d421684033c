"""Django on both kinds of stack: with the application wrappers, and with the middleware alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from support_django import setup_django

setup_django()

from django.core.handlers.asgi import ASGIHandler  # noqa: E402
from django.core.handlers.wsgi import WSGIHandler  # noqa: E402

from conformance.asgi_client import AsgiDriver  # noqa: E402 - Django comes first
from conformance.wsgi_client import WsgiDriver  # noqa: E402
from kaiko_django import get_asgi_application, get_wsgi_application  # noqa: E402

if TYPE_CHECKING:
    from kaiko_asgi import ASGIApp

DRIVERS = (
    WsgiDriver("django-wsgi", get_wsgi_application()),
    WsgiDriver("django-wsgi-middleware", WSGIHandler()),
    AsgiDriver("django-asgi", get_asgi_application()),
    AsgiDriver("django-asgi-middleware", cast("ASGIApp", ASGIHandler())),
)
