"""The acts of the shared scenarios as views of Django REST framework, and their routes."""

from __future__ import annotations

from threading import get_ident
from typing import TYPE_CHECKING, Any

from support_django import setup_django

setup_django()

from django.core.handlers.asgi import ASGIRequest
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.urls import path
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.response import Response
from rest_framework.views import APIView

from conformance.scenarios import BY_NAME, Answers, Parses, Raises, Streams
from django_project.scenario_views import answer_of, async_chunks, chunks

if TYPE_CHECKING:
    from django.http.response import HttpResponseBase
    from rest_framework.request import Request


class Text(serializers.CharField):
    """A text that is one already: DRF makes one of numbers."""

    def to_internal_value(self, data: object) -> str:
        """Refuse what is no text."""
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class MessageSerializer(serializers.Serializer[Any]):
    """One message of a body."""

    role = Text()
    text = Text(default="")


class BodySerializer(serializers.Serializer[Any]):
    """The body that the parsing scenarios send; other fields are not allowed."""

    messages = MessageSerializer(many=True)
    model = Text()
    meta = serializers.DictField(child=serializers.IntegerField(), required=False)

    def to_internal_value(self, data: object) -> Any:
        """Refuse what is not declared."""
        if isinstance(data, dict) and not data.keys() <= self.fields.keys():
            raise serializers.ValidationError({"extra": "Not allowed"}, code="unknown_field")
        return super().to_internal_value(data)


class JsonWithoutType(DefaultContentNegotiation):
    """Takes a body for JSON that says not what it is: the scenarios send no type."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        """Choose the first."""
        del request
        return parsers[0]


class ScenarioView(APIView):
    """Does what the scenario says."""

    content_negotiation_class = JsonWithoutType

    def get(self, request: Request, name: str) -> HttpResponseBase:
        """Do it."""
        scenario = BY_NAME.get(name)
        if scenario is None:
            raise Http404
        act = scenario.act
        match act:
            case Raises():
                raise act.make()
            case Answers():
                return answer_of(act)
            case Streams():
                is_asgi = isinstance(request._request, ASGIRequest)
                made = async_chunks(act) if is_asgi else chunks(act)
                return StreamingHttpResponse(made, content_type=act.content_type)
            case Parses():
                BodySerializer(data=request.data).is_valid(raise_exception=True)
                return Response({})
            case _:
                raise Http404

    post = get


def _refuses(_request: Request) -> HttpResponse:
    return HttpResponse()


def _here(_request: Request) -> HttpResponse:
    return HttpResponse(str(get_ident()))


# What a stub makes of a decorated view, not every checker calls a function.
refuses: Any = api_view(["GET"])(_refuses)
here: Any = api_view(["GET"])(_here)
urlpatterns = [
    path("s/<str:name>", ScenarioView.as_view()),
    path("refuses", refuses),
    path("here", here),
]
