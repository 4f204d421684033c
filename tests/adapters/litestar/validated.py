"""An application whose handlers Litestar validates, of each kind that it knows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any

import msgspec
from litestar import Request, get, post
from litestar.datastructures import UploadFile
from litestar.di import NamedDependency, Provide
from litestar.dto import DataclassDTO, DTOConfig
from litestar.enums import RequestEncodingType
from litestar.params import (
    Body,
    CookieParameter,
    FromPath,
    FromQuery,
    HeaderParameter,
    JSONBody,
    PathParameter,
    QueryParameter,
)
from litestar.plugins.pydantic import PydanticDTO
from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from adapters.litestar.support import make_app


class Item(BaseModel):
    model_config = ConfigDict(extra="forbid")

    sku: str
    count: int = Field(ge=0)


class Struct(msgspec.Struct, forbid_unknown_fields=True):
    sku: str
    count: int
    tags: list[int] = []
    meta: dict[str, int] = {}
    inner: Struct | None = msgspec.field(name="innerStruct", default=None)


@dataclass
class Order:
    name: str
    items: list[Item] = field(default_factory=list)


class Keyed(TypedDict):
    count: int


@dataclass
class Plain:
    name: str
    size: int


class Renamed(DataclassDTO[Plain]):
    config = DTOConfig(rename_strategy="camel", forbid_unknown_fields=True)


class ItemDTO(PydanticDTO[Item]):
    config = DTOConfig()


@post("/model")
async def model(data: JSONBody[Item]) -> None:
    """Take a pydantic model."""


@post("/struct")
async def struct(data: JSONBody[Struct]) -> None:
    """Take a msgspec struct."""


@post("/order")
async def order(data: JSONBody[Order]) -> None:
    """Take pydantic models inside of a dataclass."""


@post("/models")
async def models(data: JSONBody[list[Item]]) -> None:
    """Take a list of models."""


@post("/keyed")
async def keyed(data: JSONBody[dict[str, Keyed]]) -> None:
    """Take a mapping of typed dictionaries."""


@post("/numbers")
async def numbers(data: JSONBody[dict[int, str]]) -> None:
    """Take a mapping with typed keys."""


@post("/optional")
async def optional(data: JSONBody[Item | None] = None) -> None:
    """Take a model, or none."""


@post("/dto", dto=Renamed, return_dto=None)
async def dto(data: JSONBody[Plain]) -> None:
    """Take a dataclass under other names."""


@post("/model-dto", dto=ItemDTO, return_dto=None)
async def model_dto(data: JSONBody[Item]) -> None:
    """Take a model through a transfer object."""


@post("/form")
async def form(
    data: Annotated[Item, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> None:
    """Take a form."""


@post("/multipart")
async def multipart(
    data: Annotated[Item, Body(media_type=RequestEncodingType.MULTI_PART)],
) -> None:
    """Take a multipart form."""


@post("/file")
async def file(
    data: Annotated[UploadFile, Body(media_type=RequestEncodingType.MULTI_PART)],
) -> None:
    """Take a file."""


@post("/files")
async def files(
    data: Annotated[list[UploadFile], Body(media_type=RequestEncodingType.MULTI_PART)],
) -> None:
    """Take some files."""


@post("/msgpack")
async def packed(
    data: Annotated[Struct, Body(media_type=RequestEncodingType.MESSAGEPACK)],
) -> None:
    """Take MessagePack."""


@post("/small", request_max_body_size=9)
async def small(data: JSONBody[dict[str, int]]) -> None:
    """Take a small body."""


@post("/by-hand")
async def by_hand(request: Request[Any, Any, Any]) -> None:
    """Read the body itself."""
    await request.json()


@post("/form-by-hand")
async def form_by_hand(request: Request[Any, Any, Any]) -> None:
    """Read a form itself."""
    await request.form()


@get("/items/{number:int}")
async def item(  # noqa: PLR0917 - one of each kind
    number: Annotated[int, PathParameter(gt=5)],
    first: FromQuery[int],
    second: Annotated[int, QueryParameter(name="nextOne")],
    token: Annotated[int, HeaderParameter(name="X-Token")],
    crumb: Annotated[int, CookieParameter(name="crumb")],
    tags: FromQuery[list[int] | None] = None,
) -> None:
    """Take a parameter of each kind."""


async def _of_query(page: FromQuery[int]) -> int:
    return page


async def _of_another_type() -> Any:
    return "no number"


@get("/dependent", dependencies={"given": Provide(_of_query)})
async def dependent(given: NamedDependency[int], size: FromQuery[int] = 1) -> None:
    """Take what a dependency makes of a parameter."""


class Code:
    """A type that the service decodes itself."""


def decode_code(_target: Any, value: Any) -> Code:
    """Refuse all but two values, one of them by mistake."""
    if value == "mistake":
        raise LookupError
    if value == "refused":
        raise msgspec.ValidationError(value)
    return Code()


@get("/decoded")
async def decoded(number: FromQuery[int], code: FromQuery[Code]) -> None:
    """Take a type of the service's own."""


@get("/mistaken", dependencies={"given": Provide(_of_another_type)})
async def mistaken(given: NamedDependency[int]) -> None:
    """Take what a dependency does not give."""


@get("/named/{name:str}")
async def named(name: FromPath[str]) -> str:
    """Take any path."""
    return name


def make() -> Any:
    """Return the application."""
    return make_app(
        [
            model, struct, order, models, keyed, numbers, optional, dto, model_dto, form, multipart,
            file, files, packed, by_hand, form_by_hand, item, dependent, mistaken, named, decoded,
            small,
        ],
        multipart_form_part_limit=3,
        type_decoders=[(lambda target: target is Code, decode_code)],
    )  # fmt: skip
