from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import JsonResponse
from django.views.decorators.http import require_http_methods
from pydantic import BaseModel

from kaiko_middleware import NotFoundError, parse_body

if TYPE_CHECKING:
    from django.http import HttpRequest


class ContextNotFound(NotFoundError, code="context_not_found", param="context_id"):
    """The context does not exist, or it has expired."""


class NewContext(BaseModel):
    title: str


@require_http_methods(["POST"])
def create(request: HttpRequest) -> JsonResponse:
    new = parse_body(NewContext, request.body)
    return JsonResponse(new.model_dump(), status=201)


def read(_request: HttpRequest, name: str) -> JsonResponse:
    raise ContextNotFound(f"Context '{name}' has expired")


async def average(_request: HttpRequest) -> JsonResponse:
    return JsonResponse(0 / 0, safe=False)  # a bug: there is nothing to average
