"""The URLconf of the demo's Django site: the routes of one service."""

from __future__ import annotations

from kaiko_demo.django_views import urls
from kaiko_demo.seed import service_from_environment

__all__ = ["urlpatterns"]

urlpatterns = urls(service_from_environment())
