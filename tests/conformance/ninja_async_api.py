"""The routes of the asynchronous operations."""

from __future__ import annotations

from django.urls import path

from conformance.ninja_api import async_api

urlpatterns = [path("", async_api.urls)]
