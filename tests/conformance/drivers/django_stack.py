"""Django on both kinds of stack: with the application wrappers, and with the middleware alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from support_django import setup_django

setup_django()

from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler

from conformance.asgi_client import AsgiDriver
from conformance.django_client import InProject
from conformance.guard_scenarios import GUARDS, NO_AWAIT, NO_COUNT, Guarded
from conformance.wsgi_client import WsgiDriver
from kaiko_django import get_asgi_application, get_wsgi_application
from kaiko_guards import asgi, wsgi

if TYPE_CHECKING:
    from kaiko_asgi import ASGIApp

DRIVERS = (
    WsgiDriver("django-wsgi", get_wsgi_application()),
    WsgiDriver("django-wsgi-middleware", WSGIHandler()),
    AsgiDriver("django-asgi", get_asgi_application()),
    AsgiDriver("django-asgi-middleware", cast("ASGIApp", ASGIHandler())),  # by its stubs none
)


def guarded(
    name: str,
    make: Any,
    urlconf: str,
    *,
    is_asgi: bool,
    enveloped: bool = True,
    lacks: frozenset[str] = frozenset(),
) -> Guarded:
    """Return a driver of a project that has the guards in its `MIDDLEWARE`."""
    envelope = ["kaiko_django.KaikoMiddleware"] if enveloped else []
    settings = {
        "ROOT_URLCONF": urlconf,
        "MIDDLEWARE": [*envelope, "kaiko_guards.django.GuardMiddleware"],
        "KAIKO_GUARDS": {"guards": GUARDS},
    }

    def driver() -> AsgiDriver | WsgiDriver:
        return AsgiDriver(name, make()) if is_asgi else WsgiDriver(name, make())

    return Guarded(
        InProject(name, driver, settings),
        enveloped=enveloped,
        lacks=lacks if is_asgi else NO_AWAIT | NO_COUNT,
    )


_URLS = "django_project.urls"
GUARDED = (
    guarded("django-wsgi", get_wsgi_application, _URLS, is_asgi=False),
    guarded("django-wsgi-middleware", WSGIHandler, _URLS, is_asgi=False),
    guarded("django-wsgi-alone", WSGIHandler, _URLS, is_asgi=False, enveloped=False),
    guarded("django-asgi", get_asgi_application, _URLS, is_asgi=True),
    guarded("django-asgi-middleware", ASGIHandler, _URLS, is_asgi=True),
    guarded("django-asgi-alone", ASGIHandler, _URLS, is_asgi=True, enveloped=False),
    Guarded(
        WsgiDriver("django-wsgi-wrapped", wsgi.GuardMiddleware(get_wsgi_application(), GUARDS)),
        enveloped=False,
        lacks=NO_AWAIT | NO_COUNT,
    ),
    Guarded(
        AsgiDriver("django-asgi-wrapped", asgi.GuardMiddleware(get_asgi_application(), GUARDS)),
        enveloped=False,
    ),
)
