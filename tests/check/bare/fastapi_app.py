"""A bare FastAPI service, as a tutorial leaves it."""

# FastAPI reads annotations at run time, so they are not postponed by a line of `TYPE_CHECKING`.
from __future__ import annotations

from fastapi import FastAPI
from pydantic import BaseModel


class Item(BaseModel):
    name: str


app = FastAPI()


@app.get("/items")
async def items(limit: int = 10) -> list[Item]:
    return [Item(name="kettle"), Item(name="teapot")][:limit]


@app.post("/items", status_code=201)
async def create(item: Item) -> Item:
    return item
