"""An application with a route for every kind of input that FastAPI validates."""

from __future__ import annotations

from typing import Annotated

from fastapi import (
    APIRouter,
    Body,
    Cookie,
    Depends,
    FastAPI,
    File,
    Form,
    Header,
    Path,
    Query,
    UploadFile,
)
from pydantic import AliasChoices, Json

from adapters.fastapi.models import Cat, Chat, Dog, Filters, Login, Message, Packed, Tracing


def needs_zone(zone: Annotated[int, Query(alias="time-zone")]) -> int:
    """A dependency with a parameter of its own."""
    return zone


def chat(chat: Chat) -> None: ...


def optional(chat: Chat | None = None) -> None: ...


def embedded(chat: Annotated[Chat, Body(embed=True)]) -> None: ...


def several(first: Message, size: Annotated[int, Body(alias="max-size", ge=1)]) -> None: ...


def at_the_top(messages: list[Message]) -> None: ...


def mapping(sizes: dict[str, int]) -> None: ...


def union(animal: Cat | Dog) -> None: ...


def tagged(animal: Annotated[Cat | Dog, Body(discriminator="kind")]) -> None: ...


def packed(packed: Packed) -> None: ...


def raw(text: Annotated[bytes, Body(media_type="text/plain", max_length=3)]) -> None: ...


def parameters(
    *,
    context_id: Annotated[int, Path()],
    limit: Annotated[int, Query(le=100)] = 10,
    tags: Annotated[list[int], Query()] = [],  # noqa: B006 - FastAPI copies defaults
    depth: Annotated[Json[int] | None, Query(alias="json-depth")] = None,
    trace_depth: Annotated[int, Header()] = 1,
    visits: Annotated[int, Cookie()] = 1,
    size: Annotated[int, Query(validation_alias=AliasChoices("size", "sz"))] = 1,
) -> None: ...


def filtered(filters: Annotated[Filters, Query()]) -> None: ...


def traced(tracing: Annotated[Tracing, Header()]) -> None: ...


def form(name: Annotated[str, Form()], age: Annotated[int, Form(alias="years")]) -> None: ...


def form_model(login: Annotated[Login, Form()]) -> None: ...


def file(upload: UploadFile) -> None: ...


def file_bytes(upload: Annotated[bytes, File()], note: Annotated[int, Form()]) -> None: ...


def included(chat: Chat) -> None: ...


def nothing() -> None: ...


def make_app() -> FastAPI:
    """Return the application, bare."""
    app = FastAPI()
    for path, endpoint in (
        ("/chat", chat),
        ("/optional", optional),
        ("/embedded", embedded),
        ("/several", several),
        ("/list", at_the_top),
        ("/map", mapping),
        ("/union", union),
        ("/tagged", tagged),
        ("/packed", packed),
        ("/form", form),
        ("/form-model", form_model),
        ("/file", file),
    ):
        app.add_api_route(path, endpoint, methods=["POST"])
    # Before 2.9, pydantic cannot describe bytes in the way that FastAPI asks for.
    app.add_api_route("/raw", raw, methods=["POST"], include_in_schema=False)
    app.add_api_route("/bytes", file_bytes, methods=["POST"], include_in_schema=False)
    app.add_api_route("/contexts/{context_id}", parameters)
    app.add_api_route("/filtered", filtered)
    app.add_api_route("/traced", traced)
    app.add_api_route("/dependency", nothing, dependencies=[Depends(needs_zone)])
    router = APIRouter()
    router.add_api_route("/included", included, methods=["POST"])
    app.include_router(router, prefix="/of", dependencies=[Depends(needs_zone)])
    app.include_router(router, prefix="/also")
    return app
