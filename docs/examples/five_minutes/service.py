"""The same service, with its bug mended."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from typing import Annotated

from fastapi import FastAPI, Header, HTTPException
from fastapi.middleware.cors import CORSMiddleware
from pydantic import BaseModel

from kaiko_fastapi import install
from kaiko_middleware import InvalidRequestError

app = FastAPI()
app.add_middleware(CORSMiddleware, allow_origins=["https://shop.example"])

install(app)

ORDERS: dict[int, dict[str, str | int]] = {1: {"item": "tea", "count": 2}}


class NewOrder(BaseModel):
    item: str
    count: int


@app.get("/orders")
def orders(if_modified_since: Annotated[str | None, Header()] = None) -> list[int]:
    if if_modified_since is not None:
        try:
            parsedate_to_datetime(if_modified_since)
        except ValueError as exc:
            raise InvalidRequestError("'If-Modified-Since' is no date") from exc
    return list(ORDERS)


@app.get("/orders/{number}")
def order(number: int) -> dict[str, str | int]:
    if number not in ORDERS:
        raise HTTPException(404, f"There is no order {number}")
    return ORDERS[number]


@app.post("/orders", status_code=201)
def add(new: NewOrder) -> NewOrder:
    return new
