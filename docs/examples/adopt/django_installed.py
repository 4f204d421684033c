"""A Django project in one file, with two lines more."""

from __future__ import annotations

from django.core.wsgi import get_wsgi_application
from django.http import Http404, HttpRequest, JsonResponse
from django.urls import path

SECRET_KEY = "any"  # noqa: S105 - for this page
ALLOWED_HOSTS = ["shop.example"]
ROOT_URLCONF = __name__
INSTALLED_APPS = ["kaiko_django"]
MIDDLEWARE = [
    "kaiko_django.KaikoMiddleware",  # first
    "django.middleware.common.CommonMiddleware",
]
WSGI_APPLICATION = f"{__name__}.application"

ORDERS: dict[int, dict[str, str | int]] = {1: {"item": "tea", "count": 2}}


def orders(_request: HttpRequest) -> JsonResponse:
    return JsonResponse(sorted(ORDERS), safe=False)


def order(_request: HttpRequest, number: int) -> JsonResponse:
    if number not in ORDERS:
        raise Http404
    return JsonResponse(ORDERS[number])


urlpatterns = [path("v1/orders", orders), path("v1/orders/<int:number>", order)]
application = get_wsgi_application()
