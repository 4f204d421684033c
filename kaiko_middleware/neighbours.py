"""What beside an API has error answers that nothing tells from the API's own: it needs `paths`.

Protocols that can be told stay as they are (`known_protocols`). HTML pages, JSON:API and others
cannot: a browser or a client of theirs gets an envelope, unless the service names its API's prefix.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["NEIGHBOURS", "name_neighbours", "neighbour_note"]

NEIGHBOURS: dict[str, str] = {
    "allauth.headless": "django-allauth's headless API",
    "cms": "django CMS",
    "django.contrib.admin": "Django's admin",
    "django.contrib.flatpages": "Django's flat pages",
    "gradio": "Gradio",
    "health_check": "django-health-check",
    "nicegui": "NiceGUI",
    "oauth2_provider": "Django OAuth Toolkit's pages",
    "oscar": "Oscar",
    "rest_framework_json_api": "JSON:API for Django REST framework",
    "sqladmin": "SQLAdmin",
    "starlette_admin": "Starlette Admin",
    "starlette.staticfiles": "a static site",
    "wagtail": "Wagtail",
}
"""Their names, by the packages and modules that they are known by."""


def name_neighbours(modules: Iterable[str]) -> list[str]:
    """Return the names of the neighbours among `modules`, each once."""
    found = {
        name
        for module in modules
        for package, name in NEIGHBOURS.items()
        if module == package or module.startswith(f"{package}.")
    }
    return sorted(found)


def neighbour_note(names: Iterable[str]) -> str:
    """Return what a developer is told about neighbours that answers are rewritten of."""
    return (
        f"Error answers of {' and '.join(names)} become envelopes: set `paths` to your API's prefix"
    )
