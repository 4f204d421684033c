"""A service on django-ninja: validated bodies, documented errors, and one line to install."""

# ruff: noqa: ARG001 - Ninja passes the request to every operation

from __future__ import annotations

from django.http import HttpRequest  # noqa: TC002 - Ninja reads annotations at run time
from django.urls import path
from ninja import NinjaAPI, Schema

from kaiko_middleware import NotFoundError
from kaiko_ninja import install, responses


class ContextNotFound(NotFoundError, code="context_not_found", param="context_id"):
    """The context does not exist, or it has expired."""


class NewContext(Schema):
    title: str
    tags: tuple[str, ...] = ()


api = NinjaAPI()
install(api)


@api.post("/contexts", response={201: NewContext})
def create(request: HttpRequest, new: NewContext) -> tuple[int, NewContext]:
    return 201, new


@api.get("/contexts/{name}", response={200: NewContext, **responses(ContextNotFound)})
def read(request: HttpRequest, name: str) -> NewContext:
    raise ContextNotFound(f"Context '{name}' has expired")


@api.get("/average")
async def average(request: HttpRequest, digits: int = 2) -> float:
    return round(0 / 0, digits)  # a bug: there is nothing to average


urlpatterns = [path("v2/", api.urls)]
