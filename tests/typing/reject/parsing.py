"""Input is not what it was before it was parsed."""

from __future__ import annotations

from pydantic import BaseModel

from kaiko_middleware import parse_body, validation_error


class Message(BaseModel):
    """One message."""

    role: str
    content: str


class Analysis(BaseModel):
    """A request body."""

    messages: list[Message]


def handle(body: bytes) -> Message:
    """The model decides what one has."""
    parsed = parse_body(Analysis, body)
    print(parsed.model)  # error
    role: int = parsed.messages[0].role  # error
    print(role)
    parse_body(Analysis)  # error
    parse_body(Analysis, body, strict=True)  # error
    parse_body(dict, body)  # error
    parse_body("Analysis", body)  # error
    validation_error(ValueError("no"))  # error
    validation_error("no")  # error
    return parsed  # error
