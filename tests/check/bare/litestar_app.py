"""A bare Litestar service, as a tutorial leaves it."""

from __future__ import annotations

from litestar import Litestar, get, post
from pydantic import BaseModel


class Item(BaseModel):
    name: str


@get("/items")
async def items(limit: int = 10) -> list[Item]:
    return [Item(name="kettle"), Item(name="teapot")][:limit]


@post("/items")
async def create(data: Item) -> Item:
    return data


app = Litestar([items, create], logging_config=None)
