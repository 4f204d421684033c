from __future__ import annotations

from django.urls import path

from shop import views

urlpatterns = [
    path("v2/contexts", views.create),
    path("v2/contexts/<str:name>", views.read),
    path("v2/average", views.average),
]
