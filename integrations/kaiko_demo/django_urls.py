"""The URLconf of the demo's Django site."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kaiko_demo.django_views import urls
from kaiko_demo.seed import service_from_environment

if TYPE_CHECKING:
    from django.urls import URLPattern

__all__ = ["urlpatterns"]

urlpatterns: list[URLPattern] = urls(service_from_environment())
