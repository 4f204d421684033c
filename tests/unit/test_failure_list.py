"""FastAPI's list of validation errors is read as far as it tells, and never trusted."""

from __future__ import annotations

from typing import Any

import pytest

from kaiko_middleware.validation import Failure
from kaiko_middleware.validation.fastapi_errors import read_failures


def item(error_type: str, *location: object, **more: object) -> dict[str, Any]:
    """Return one record of the list."""
    return {"type": error_type, "loc": list(location), "msg": "echoes", **more}


@pytest.mark.parametrize(
    "odd",
    [
        None,
        "text",
        1,
        [],
        {},
        {"type": "missing"},
        {"type": "missing", "loc": []},
        {"type": "missing", "loc": "body"},
        {"type": "missing", "loc": [0, "body"]},
        {"type": "missing", "loc": {"body": 1}},
    ],
)
def test_what_is_no_record_is_left_out(odd: object) -> None:
    """Only what has a type and a location counts."""
    known = item("missing", "query", "limit")
    assert read_failures([odd, known], None) == (Failure("missing", "query", "limit"),)


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (item("missing", "body"), Failure("body", "body", None)),
        (item("missing", "body", "model"), Failure("missing", "body", "model")),
        (item("missing", "body", "meta", "client's key"), Failure("missing", "body", None)),
        (item("string_type", "body", "model"), Failure("value", "body", None)),
        (item("int_parsing", "query", "limit"), Failure("value", "query", "limit")),
        (item("int_parsing", "query", "ids", 0), Failure("value", "query", None)),
        (item("json_invalid", "body", 7), Failure("json", "body", None)),
        (item("json_invalid", "body", "payload"), Failure("value", "body", None)),
        (item("json_invalid", "query", "filter"), Failure("value", "query", "filter")),
        (item("extra_forbidden", "query", "client's key"), Failure("unknown", "query", None)),
        (item("extra_forbidden", "body", "client's key"), Failure("unknown", "body", None)),
        (item("value_error", "nowhere", "x"), Failure("value", "body", None)),
        (
            item("union_tag_not_found", "body", ctx={"discriminator": "'kind'"}),
            Failure("missing", "body", None),
        ),
        (
            item("union_tag_not_found", "body", ctx={"discriminator": "choose()"}),
            Failure("value", "body", None),
        ),
        (item("union_tag_not_found", "body", ctx=None), Failure("value", "body", None)),
        (item("union_tag_invalid", "body", "pet"), Failure("value", "body", None)),
    ],
)
def test_record(given: dict[str, Any], wanted: Failure) -> None:
    """Each is what its exception would have been, with a name only where none is a client's."""
    assert read_failures([given], None) == (wanted,)
    given["loc"] = tuple(given["loc"])
    assert read_failures([given], None) == (wanted,)


@pytest.mark.parametrize(
    ("request_type", "given", "wrong"),
    [
        (None, item("model_attributes_type", "body"), False),
        ("application/json", item("model_attributes_type", "body"), False),
        ("application/problem+json; charset=utf-8", item("list_type", "body"), False),
        ("text/plain", item("model_attributes_type", "body"), True),
        ("", item("model_attributes_type", "body"), True),
        ("application/x-www-form-urlencoded", item("model_attributes_type", "body"), True),
        ("text/plain", item("bytes_too_long", "body"), False),
        ("text/plain", item("missing", "body", "first"), True),
        ("", item("missing", "body", "first"), False),
        ("multipart/form-data; boundary=b", item("missing", "body", "name"), False),
        ("text/plain", item("missing", "query", "limit"), False),
    ],
)
def test_wrong_content_type(
    request_type: str | None, given: dict[str, Any], *, wrong: bool
) -> None:
    """A body that was read raw failed for its type, whatever is said of its value."""
    (failure,) = read_failures([given], request_type)
    assert (failure.kind == "media_type") is wrong
