"""The wire model: what rendering keeps to, as a schema and as a strict reader."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

import kaiko_middleware
from kaiko_middleware import ErrorEnvelope, NotFoundError, render
from kaiko_middleware.wire import ErrorBody
from unit.support import REQUEST_ID, any_text

MEMBERS = {
    "type": "not_found_error",
    "code": "context_not_found",
    "message": "It has expired",
    "param": None,
    "request_id": "req-7f65ab21d1",
}


def body(**changes: object) -> bytes:
    """Return an envelope with some members changed; `...` leaves one out."""
    members = {**MEMBERS, **changes}
    return json.dumps({"error": {k: v for k, v in members.items() if v is not ...}}).encode()


@given(any_text, st.one_of(st.none(), any_text))
def test_what_we_render_is_read_back(message: str, param: str | None) -> None:
    """Renderer and reader agree, whatever the message."""
    envelope = ErrorEnvelope.parse(render(NotFoundError(message, param=param), REQUEST_ID).body)
    assert envelope is not None
    assert envelope.error.request_id == REQUEST_ID
    assert envelope.error.code == "not_found"


@pytest.mark.parametrize("request_id", ["a", "gw:1/a+b=c._-", "x" * 128])
def test_any_id_of_the_alphabet_is_accepted(request_id: str) -> None:
    """A peer behind a gateway carries the gateway's."""
    assert ErrorEnvelope.parse(body(request_id=request_id)) is not None


def test_the_order_of_the_members_is_not_looked_at() -> None:
    """A reader takes any JSON object; only a writer keeps an order."""
    turned = json.dumps({"error": dict(reversed(MEMBERS.items()))})
    assert ErrorEnvelope.parse(turned) is not None


@pytest.mark.parametrize(
    "changes",
    [
        *[{name: ...} for name in MEMBERS],
        {"extra": 1},
        {"type": "odd_error"},
        {"type": None},
        {"code": "Bad"},
        {"code": "a" * 65},
        {"code": "ok\n"},
        {"message": ""},
        {"message": "x" * 1025},
        {"message": 5},
        {"param": ""},
        {"param": "x" * 257},
        {"param": "a\nb"},
        {"param": 5},
        {"request_id": ""},
        {"request_id": "x" * 129},
        {"request_id": "a b"},
        {"request_id": "a\n"},
    ],
    ids=ascii,
)
def test_anything_else_is_no_envelope(changes: dict[str, object]) -> None:
    """Members, types, lengths and alphabets are exact."""
    assert ErrorEnvelope.parse(body(**changes)) is None


HOSTILE: list[Any] = [
    b"",
    b"null",
    b"[]",
    b'{"error": null}',
    b'{"error": []}',
    b"[" * 100_000,
    b'{"error": ' * 50_000,
    b"\xff",
    b"1" * 5_000,
    '{"error": "\ud800"}',
    body()[:-1],
    None,
    5,
    {"error": MEMBERS},
]


@pytest.mark.parametrize("data", HOSTILE, ids=range(len(HOSTILE)))
def test_reading_never_raises(data: Any) -> None:
    """What is no envelope is None, whatever it is."""
    assert ErrorEnvelope.parse(data) is None


@given(st.one_of(st.binary(max_size=64), st.text(st.characters(), max_size=64)))
def test_reading_never_raises_on_anything(data: bytes | str) -> None:
    """Nor on what nobody thought of."""
    ErrorEnvelope.parse(data)


def test_the_schema_says_the_same() -> None:
    """Five required members, the closed set of types, nothing more."""
    schema = ErrorEnvelope.model_json_schema()
    error = schema["$defs"]["ErrorBody"]
    assert schema["required"] == ["error"]
    assert schema["additionalProperties"] is error["additionalProperties"] is False
    assert list(error["properties"]) == error["required"] == list(MEMBERS)
    assert len(error["properties"]["type"]["enum"]) == 7
    assert error["properties"]["message"]["maxLength"] == 1024


def test_an_envelope_is_frozen() -> None:
    """It is a value."""
    envelope: Any = ErrorEnvelope(error=ErrorBody.model_validate(MEMBERS))
    with pytest.raises(ValidationError):
        envelope.error = ErrorBody.model_validate(MEMBERS)


def test_pydantic_is_loaded_when_the_model_is_first_used() -> None:
    """And every public name can be had from the package."""
    for name in kaiko_middleware.__all__:
        assert getattr(kaiko_middleware, name) is not None
    assert kaiko_middleware.ErrorEnvelope is ErrorEnvelope
    absent = "Nothing"
    with pytest.raises(AttributeError, match="has no attribute 'Nothing'"):
        getattr(kaiko_middleware, absent)
    assert kaiko_middleware.__all__ == sorted(kaiko_middleware.__all__)
