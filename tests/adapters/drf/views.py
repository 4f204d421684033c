"""Views and serializers that the tests of this folder share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rest_framework import serializers
from rest_framework.authentication import BasicAuthentication, SessionAuthentication
from rest_framework.parsers import FormParser, JSONParser, MultiPartParser
from rest_framework.response import Response
from rest_framework.views import APIView

from adapters.django.stacks import Project  # sets Django up

if TYPE_CHECKING:
    from collections.abc import Callable

    from rest_framework.request import Request

JSON = ("Content-Type", "application/json")


class Child(serializers.Serializer[Any]):
    """A nested one."""

    n = serializers.IntegerField()


class Thing(serializers.Serializer[Any]):
    """What most bodies are."""

    name = serializers.CharField(min_length=2)
    age = serializers.IntegerField()
    children = Child(many=True, required=False)
    child = Child(required=False)
    tags = serializers.ListField(child=serializers.IntegerField(), required=False)
    meta = serializers.DictField(child=Child(), required=False)
    free = serializers.JSONField(required=False)


def view(act: Callable[[Request], Any], **attributes: Any) -> Any:
    """Return a view that does `act` for GET and POST."""

    def method(_self: APIView, request: Request, **_kwargs: object) -> Any:
        return act(request)

    names = {"get": method, "post": method, "authentication_classes": [], **attributes}
    made: Any = type("View", (APIView,), names)
    return made.as_view()


def project(act: Callable[[Request], Any], **attributes: Any) -> Project:
    """Return a project of that view."""
    return Project(view(act, **attributes))


def raising(make: Callable[[], BaseException], **attributes: Any) -> Project:
    """Return a project of a view that raises what `make` makes."""

    def act(_request: Request) -> Any:
        raise make()

    return project(act, **attributes)


def validating(serializer: Any = Thing, **arguments: Any) -> Project:
    """Return a project of a view that validates its body."""

    def act(request: Request) -> Response:
        serializer(data=request.data, **arguments).is_valid(raise_exception=True)
        return Response({"ok": True})

    return project(act, parser_classes=[JSONParser, FormParser, MultiPartParser])


BOTH = [SessionAuthentication, BasicAuthentication]
