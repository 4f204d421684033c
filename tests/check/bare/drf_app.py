"""A bare service on Django REST framework, as a tutorial leaves it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.urls import path
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

if TYPE_CHECKING:
    from rest_framework.request import Request

SECRET_KEY = "bare"
DEBUG = False
ALLOWED_HOSTS = ["localhost"]
ROOT_URLCONF = __name__
USE_TZ = True
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "rest_framework"]
MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "UNAUTHENTICATED_USER": None,
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
}


class Item(serializers.Serializer[dict[str, object]]):
    name = serializers.CharField()


class Items(APIView):
    def get(self, request: Request) -> Response:
        return Response([{"limit": int(request.query_params.get("limit", 10))}])

    def post(self, request: Request) -> Response:
        item = Item(data=request.data)
        item.is_valid(raise_exception=True)
        return Response(item.data, status=201)


urlpatterns = [path("items", Items.as_view())]
