"""A bare Flask service, as a tutorial leaves it."""

from __future__ import annotations

from flask import Flask, request

app = Flask(__name__)


@app.get("/items")
def items() -> list[dict[str, object]]:
    return [{"name": "kettle", "limit": int(request.args.get("limit", 10))}]


@app.post("/items")
def create() -> tuple[dict[str, object], int]:
    return {"name": request.json["name"]}, 201
