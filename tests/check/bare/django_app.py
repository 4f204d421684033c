"""A bare Django service, as a tutorial leaves it: settings and views in one module."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from django.http import JsonResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

if TYPE_CHECKING:
    from django.http import HttpRequest

SECRET_KEY = "bare"
DEBUG = False
ALLOWED_HOSTS = ["localhost"]
ROOT_URLCONF = __name__
USE_TZ = True
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def items(request: HttpRequest) -> JsonResponse:
    if request.method == "POST":
        item = json.loads(request.body)
        return JsonResponse({"name": item["name"]}, status=201)
    return JsonResponse({"items": [{"limit": int(request.GET.get("limit", 10))}]})


urlpatterns = [path("items", items)]
