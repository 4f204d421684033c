"""Every answer follows the contract."""

from __future__ import annotations

from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from kaiko_fastapi import install


class SoldOut(Exception):
    """There is none left."""


class NewOrder(BaseModel):
    item: str
    count: int


app = FastAPI()
install(app)

ORDERS: dict[int, dict[str, str | int]] = {1: {"item": "tea", "count": 2}}


@app.exception_handler(SoldOut)
def sold_out(request: Request, exc: SoldOut) -> JSONResponse:
    return JSONResponse(
        {"error": "sold_out", "msg": str(exc), "path": request.url.path}, status_code=409
    )


@app.get("/v1/orders")
def orders() -> list[int]:
    return list(ORDERS)


@app.get("/v1/orders/{number}")
def order(number: int) -> dict[str, str | int]:
    if number not in ORDERS:
        raise HTTPException(404, f"There is no order {number}")
    return ORDERS[number]


@app.post("/v1/orders", status_code=201)
def add(new: NewOrder) -> NewOrder:
    if new.item == "coffee":
        raise SoldOut("no coffee left")
    return new


@app.get("/v1/average")
def average() -> float:
    return 0 / 0  # a bug
