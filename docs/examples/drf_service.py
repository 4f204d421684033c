"""A service on Django REST framework: a typed error, a serializer, and a bug."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.urls import path
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from kaiko_middleware import NotFoundError

if TYPE_CHECKING:
    from rest_framework.request import Request


class ContextNotFound(NotFoundError, code="context_not_found", param="context_id"):
    """The context does not exist, or it has expired."""


class NewContext(serializers.Serializer[Any]):
    title = serializers.CharField()
    tags = serializers.ListField(child=serializers.CharField(max_length=20), required=False)


class Contexts(APIView):
    def post(self, request: Request) -> Response:
        new = NewContext(data=request.data)
        new.is_valid(raise_exception=True)
        return Response(new.validated_data, status=201)


class Context(APIView):
    def get(self, _request: Request, name: str) -> Response:
        raise ContextNotFound(f"Context '{name}' has expired")


class Average(APIView):
    def get(self, _request: Request) -> Response:
        return Response(0 / 0)  # a bug: there is nothing to average


urlpatterns = [
    path("v2/contexts", Contexts.as_view()),
    path("v2/contexts/<str:name>", Context.as_view()),
    path("v2/average", Average.as_view()),
]
