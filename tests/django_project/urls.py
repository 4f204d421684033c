"""The routes of the shared scenarios."""

from __future__ import annotations

from django.urls import path

from django_project import scenario_views

urlpatterns = [
    path("s/<str:name>", scenario_views.view),
    path("refuses", scenario_views.refuses),
    path("here", scenario_views.here),
    path("waits", scenario_views.waits),
]
