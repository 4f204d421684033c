"""The service of `check.right_services` on Django, Django REST framework and django-ninja."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.http import HttpResponseNotAllowed, JsonResponse, StreamingHttpResponse
from django.urls import path
from ninja import NinjaAPI, Schema
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

import kaiko_ninja
from check.right_services import EVENTS, ITEMS, added, admit

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse
    from rest_framework.request import Request


def items(request: HttpRequest) -> HttpResponse:
    admit(request.headers.get("x-api-key"))
    if request.method == "POST":
        return JsonResponse(added(request.read()), status=201)
    if request.method not in {"GET", "HEAD"}:
        return HttpResponseNotAllowed(["GET", "HEAD", "POST"])
    return JsonResponse(ITEMS, safe=False)


def events(_request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(iter([EVENTS]), content_type="text/event-stream")


class ItemSerializer(serializers.Serializer[dict[str, Any]]):
    name = serializers.CharField()


class Items(APIView):
    authentication_classes = ()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        admit(request.headers.get("x-api-key"))

    def get(self, _request: Request) -> Response:
        return Response(ITEMS)

    def post(self, request: Request) -> Response:
        item = ItemSerializer(data=request.data)
        item.is_valid(raise_exception=True)
        return Response(item.data, status=201)


class Item(Schema):
    name: str


api = NinjaAPI(urls_namespace="check", openapi_url=None)
kaiko_ninja.install(api)


@api.get("/items")
def ninja_items(request: HttpRequest, limit: int = 10) -> list[Item]:
    admit(request.headers.get("x-api-key"))
    return [Item(**item) for item in ITEMS][:limit]


@api.post("/items", response={201: Item})
def create(request: HttpRequest, item: Item) -> tuple[int, Item]:
    admit(request.headers.get("x-api-key"))
    return 201, item


urlpatterns = [
    path("items", items),
    path("events", events),
    path("drf/items", Items.as_view()),
    path("ninja/", api.urls),
]
