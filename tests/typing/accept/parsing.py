"""Validated input keeps its model's type."""

from __future__ import annotations

from typing import assert_type

from pydantic import BaseModel, ValidationError

from kaiko_middleware import ErrorEnvelope, KaikoError, parse_body, validation_error


class Message(BaseModel):
    """One message."""

    role: str
    content: str


class Analysis(BaseModel):
    """A request body."""

    messages: list[Message]
    model: str = "emotion-v2"


def handle(body: bytes) -> list[Message]:
    """What comes out is the model, not Any."""
    parsed = parse_body(Analysis, body)
    assert_type(parsed, Analysis)
    assert_type(parsed.messages[0].role, str)
    return parsed.messages


def handle_parsed(data: dict[str, object], text: str) -> None:
    """Text and data that is parsed already are taken as well."""
    assert_type(parse_body(Analysis, data), Analysis)
    assert_type(parse_body(Message, text), Message)


def by_hand(values: dict[str, str]) -> KaikoError | None:
    """Where a validation was made elsewhere, its failure is turned into an error."""
    try:
        Message.model_validate(values)
    except ValidationError as exc:
        assert_type(validation_error(exc), KaikoError)
        return validation_error(exc, where="query")
    return None


def read(body: bytes) -> str | None:
    """A client reads an envelope."""
    envelope = ErrorEnvelope.model_validate_json(body)
    assert_type(envelope.error.code, str)
    return envelope.error.param
