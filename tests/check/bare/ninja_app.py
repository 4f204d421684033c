"""A bare django-ninja service, as a tutorial leaves it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.urls import path
from ninja import NinjaAPI, Schema

if TYPE_CHECKING:
    from django.http import HttpRequest

SECRET_KEY = "bare"
DEBUG = False
ALLOWED_HOSTS = ["localhost"]
ROOT_URLCONF = __name__
USE_TZ = True
MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]


class Item(Schema):
    name: str


api = NinjaAPI()


@api.get("/items")
def items(request: HttpRequest, limit: int = 10) -> list[Item]:  # noqa: ARG001 - its name
    return [Item(name="kettle"), Item(name="teapot")][:limit]


@api.post("/items", response={201: Item})
def create(request: HttpRequest, item: Item) -> tuple[int, Item]:  # noqa: ARG001 - its name
    return 201, item


urlpatterns = [path("", api.urls)]
