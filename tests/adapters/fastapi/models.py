"""The models that the applications of these tests validate with."""

from __future__ import annotations

from enum import Enum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, Json


class Role(Enum):
    """Who speaks."""

    USER = "user"
    SYSTEM = "system"


class Message(BaseModel):
    """One message."""

    role: Role
    text: str = ""


class Chat(BaseModel):
    """A body with everything in it."""

    model_config = ConfigDict(extra="forbid")

    messages: list[Message]
    model: str
    meta: dict[str, int] = {}
    temperature: Annotated[float, Field(ge=0, le=2, alias="temp")] = 1


class Cat(BaseModel):
    """One member of a union."""

    kind: Literal["cat"]
    lives: int


class Dog(BaseModel):
    """The other."""

    kind: Literal["dog"]
    tricks: list[int] = []


class Filters(BaseModel):
    """Parameters as a model."""

    model_config = ConfigDict(extra="forbid")

    limit: int
    ids: list[int] = []


class Tracing(BaseModel):
    """Headers as a model."""

    trace_depth: int


class Login(BaseModel):
    """A form as a model."""

    model_config = ConfigDict(extra="forbid")

    name: str
    age: int


class Packed(BaseModel):
    """A field that holds JSON in a string."""

    payload: Json[dict[str, int]]
