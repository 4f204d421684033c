"""Error answers in other people's words: every shape is read, and no body can do harm."""

# ruff: noqa: E501 - a row of a table stands on one line

from __future__ import annotations

import gzip
import json
import tracemalloc
import zlib
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kaiko_middleware import Config, render
from kaiko_middleware.catalog import STATUSES
from kaiko_middleware.conformance import check_answer
from kaiko_middleware.content_coding import BODY_LIMIT, decode_body, decode_start
from kaiko_middleware.foreign_answer import (
    ForeignBody,
    error_from_answer,
    error_from_reason,
    read_body,
    read_detail,
)
from kaiko_middleware.pipeline import Pipeline
from unit.support import KEYS, REQUEST, REQUEST_ID, any_text, error_of, faults

if TYPE_CHECKING:
    from kaiko_middleware import KaikoError

JSON = "application/json"


def read(status: int, body: object, content_type: str = JSON) -> KaikoError:
    """Read an error answer with a JSON body, or with bytes as they are."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return error_from_answer(status, raw, content_type=content_type)


NAMES = st.sampled_from(
    [
        "error",
        "detail",
        "type",
        "code",
        "message",
        "param",
        "request_id",
        "errors",
        "loc",
        "ctx",
        "discriminator",
        "msg",
    ]
)
NO_MODEL = "The model 'gpt-9' does not exist"

# Shape, status, body, Content-Type: message (None: the status's own), code, param.
SHAPES: list[tuple[str, int, object, str, str | None, str, str | None]] = [
    ("text", 404, b"No such context", "text/plain", "No such context", "not_found", None),
    ("text in JSON", 404, "No such context", JSON, "No such context", "not_found", None),
    ("no content type", 409, b"Taken", "", "Taken", "conflict", None),
    ("phrase", 404, b"Not Found", "text/plain; charset=utf-8", None, "not_found", None),
    ("html", 404, b"<h1>Nope</h1>", "text/html", None, "not_found", None),
    ("no markup", 409, b"Tom &amp; I", "text/html; charset=utf-8", "Tom & I", "conflict", None),
    ("latin-1", 409, b"\xdcber", 'text/plain; charset="iso-8859-1"', "Über", "conflict", None),
    ("another charset", 409, b"Taken", "text/plain; charset=idna", "Taken", "conflict", None),
    ("a status line", 409, b"409 Conflict\n\nTaken", "text/plain", "Taken", "conflict", None),
    ("a path", 404, b"/v2/nowhere", "text/plain", None, "not_found", None),
    ("html as text", 404, b"<h1>Nope</h1>", "text/plain", None, "not_found", None),
    ("xml", 400, b"<?xml?><error>Nope</error>", "application/xml", None, "bad_request", None),
    ("empty", 405, b"", "", None, "method_not_allowed", None),
    ("fastapi detail", 404, {"detail": "No such item"}, JSON, "No such item", "not_found", None),
    ("fastapi phrase", 405, {"detail": "Method Not Allowed"}, JSON, None, "method_not_allowed", None),
    (
        "fastapi detail object",
        409,
        {"detail": {"code": "duplicate_id", "message": "It is there already"}},
        JSON,
        "It is there already",
        "duplicate_id",
        None,
    ),
    (
        "apiflask",
        404,
        {"detail": {}, "message": "No such cup", "code": "no_cup"},
        JSON,
        "No such cup",
        "no_cup",
        None,
    ),
    (
        "fastapi detail object with a param",
        400,
        {"detail": {"code": "too_many", "message": "At most 5", "param": "messages[0].parts"}},
        JSON,
        "At most 5",
        "too_many",
        "messages[0].parts",
    ),
    ("param beside a message", 400, {"message": "At most 5", "param": "n"}, JSON, "At most 5", "bad_request", "n"),
    ("param of another type", 400, {"message": "At most 5", "param": ["n"]}, JSON, "At most 5", "bad_request", None),
    ("falcon", 409, {"title": "409 Conflict", "description": "It is taken"}, JSON, "It is taken", "conflict", None),
    ("falcon with a title", 409, {"title": "Taken", "description": "By you"}, JSON, "By you", "conflict", None),
    ("falcon without a description", 404, {"title": "404 Not Found"}, JSON, None, "not_found", None),
    ("falcon's title alone", 409, {"title": "Taken"}, JSON, "Taken", "conflict", None),
    ("aiohttp", 404, b"404: Not Found", "text/plain", None, "not_found", None),
    ("a number alone", 404, b"404", "text/plain", None, "not_found", None),
    ("a number in a text", 404, b"404 is what you get", "text/plain", "404 is what you get", "not_found", None),
    ("sanic", 404, {"description": "Not Found", "status": 404, "message": "No item 7"}, JSON, "No item 7", "not_found", None),
    ("drf detail", 403, {"detail": "Only owners may."}, JSON, "Only owners may.", "permission_denied", None),
    ("drf default", 404, {"detail": "Not found."}, JSON, None, "not_found", None),
    ("drf code", 401, {"detail": "Expired", "code": "token_expired"}, JSON, "Expired", "token_expired", None),
    ("drf list of one", 400, ["Choose one"], JSON, "Choose one", "bad_request", None),
    ("drf list of two", 400, ["Choose one", "or two"], JSON, None, "bad_request", None),
    ("drf fields", 400, {"name": ["This field is required."]}, JSON, None, "bad_request", None),
    (
        "problem+json",
        403,
        {"type": "https://example.org/out", "title": "Out of credit", "detail": "30 needed", "status": 403},
        "application/problem+json",
        "30 needed",
        "permission_denied",
        None,
    ),
    (
        "problem+json with a title",
        404,
        {"type": "about:blank", "title": "No such thing"},
        "application/problem+json",
        "No such thing",
        "not_found",
        None,
    ),
    (
        "openai",
        404,
        {"error": {"message": NO_MODEL, "type": "invalid_request_error", "param": "model", "code": "model_not_found"}},
        JSON,
        NO_MODEL,
        "model_not_found",
        "model",
    ),
    (
        "openai without a code",
        400,
        {"error": {"message": "Too long", "type": "x", "param": None, "code": None}},
        JSON,
        "Too long",
        "bad_request",
        None,
    ),
    (
        "anthropic",
        404,
        {"type": "error", "error": {"type": "not_found_error", "message": NO_MODEL}},
        JSON,
        NO_MODEL,
        "not_found",
        None,
    ),
    (
        "google",
        400,
        {"error": {"code": 400, "message": "Bad thing", "status": "INVALID_ARGUMENT"}},
        JSON,
        "Bad thing",
        "bad_request",
        None,
    ),
    (
        "google in a list",
        400,
        [{"error": {"code": 400, "message": "Bad thing", "status": "INVALID_ARGUMENT"}}],
        JSON,
        "Bad thing",
        "bad_request",
        None,
    ),
    (
        "oauth",
        400,
        {"error": "invalid_grant", "error_description": "The grant has expired"},
        JSON,
        "The grant has expired",
        "invalid_grant",
        None,
    ),
    ("error text", 400, {"error": "Something is off"}, JSON, "Something is off", "bad_request", None),
    (
        "error text and code",
        400,
        {"error": "Something is off", "code": "off"},
        JSON,
        "Something is off",
        "off",
        None,
    ),
    (
        "drf-standardized-errors",
        400,
        {
            "type": "validation_error",
            "errors": [
                {"code": "too_old", "detail": "It has expired", "attr": "items.0.name"},
                {"code": "invalid", "detail": "Not a number", "attr": "rank"},
            ],
        },
        JSON,
        "It has expired",
        "too_old",
        "items[0].name",
    ),
    (
        "drf-standardized-errors of no field",
        400,
        {"errors": [{"code": "invalid", "detail": "They differ", "attr": "non_field_errors"}]},
        JSON,
        "They differ",
        "invalid",
        None,
    ),
    (
        "drf-standardized-errors of no field of one item",
        400,
        {"errors": [{"code": "invalid", "detail": "They differ", "attr": "rows.1.non_field_errors"}]},
        JSON,
        "They differ",
        "invalid",
        "rows[1]",
    ),
    (
        "drf-exceptions-hog",
        403,
        {"type": "invalid_request", "code": "read_only", "detail": "Read only", "attr": None},
        JSON,
        "Read only",
        "read_only",
        None,
    ),
    (
        "django-allauth",
        400,
        {"status": 400, "errors": [{"message": "It is wrong", "code": "wrong", "param": "password"}]},
        JSON,
        "It is wrong",
        "wrong",
        "password",
    ),
    ("text beside errors", 404, {"errors": [{"code": "x"}], "detail": "No cup"}, JSON, "No cup", "not_found", None),
    ("error beside errors", 404, {"errors": ["x"], "error": "No cup"}, JSON, "No cup", "not_found", None),
    ("odd errors", 404, {"errors": [7]}, JSON, None, "not_found", None),
    ("no errors", 404, {"errors": []}, JSON, None, "not_found", None),
    ("message", 403, {"message": "Not for you"}, JSON, "Not for you", "permission_denied", None),
    ("aws", 403, {"errorMessage": "Not for you"}, JSON, "Not for you", "permission_denied", None),
    ("json as text", 403, {"msg": "Not for you"}, "text/plain", "Not for you", "permission_denied", None),
    ("fastapi users", 400, {"detail": {"code": "REGISTER_INVALID_PASSWORD", "reason": "Too short"}}, JSON, "Too short", "register_invalid_password", None),
    ("a reason beside a text", 403, {"message": "No", "reason": "Too poor"}, JSON, "No", "permission_denied", None),
    ("ariadne", 400, {"errors": [{"message": "The query must be a string."}]}, JSON, "The query must be a string.", "bad_request", None),
    ("json:api", 409, {"errors": [{"status": "409", "code": "TAKEN", "title": "Taken", "detail": "By you"}, {"title": "Old"}]}, JSON, "By you", "taken", None),
    ("a text beside a list", 409, {"message": "Taken", "errors": [{"code": "missing_field", "field": "name"}]}, JSON, "Taken", "conflict", None),
    ("a code beside a list", 409, {"code": "taken", "errors": [{"message": "By you"}]}, JSON, None, "taken", None),
    ("a list of texts", 400, {"errors": ["Choose one"]}, JSON, None, "bad_request", None),
    ("an empty list", 400, {"errors": []}, JSON, None, "bad_request", None),
    ("errors by field", 400, {"errors": {"name": ["Choose one"]}}, JSON, None, "bad_request", None),
    ("a place that is none", 400, {"errors": [{"loc": [], "message": "s3cret"}]}, JSON, None, "bad_request", None),
    ("a model's place", 400, {"errors": [{"loc": ["name"], "message": "s3cret"}]}, JSON, None, "bad_request", None),
    ("a place that is no text", 400, {"errors": [{"loc": [{}], "message": "s3cret"}]}, JSON, None, "bad_request", None),
    ("one place in a list", 422, [{"loc": ["name"], "msg": "s3cret", "type": "value_error"}], JSON, None, "invalid_value", None),
    ("one place alone", 422, {"loc": ["name"], "msg": "s3cret", "type": "value_error"}, JSON, None, "invalid_value", None),
    ("one place as detail", 422, {"detail": {"loc": ["name"], "msg": "s3cret"}}, JSON, None, "invalid_value", None),
    ("a place of the service's own", 409, {"loc": "WH1", "message": "Sold out"}, JSON, "Sold out", "conflict", None),
    ("a text beside a place", 409, {"title": "Taken", "errors": [{"loc": "name"}]}, JSON, "Taken", "conflict", None),
    ("odd code", 403, {"message": "No", "code": "Not-A-Code"}, JSON, "No", "permission_denied", None),
    ("number", 400, 42, JSON, None, "bad_request", None),
    ("null", 400, None, JSON, None, "bad_request", None),
    ("list where an object is due", 400, {"error": [1], "detail": 7}, JSON, None, "bad_request", None),
    ("object where a text is due", 400, {"error": {"message": {"a": 1}}}, JSON, None, "bad_request", None),
    ("empty object", 418, {}, JSON, None, "im_a_teapot", None),
    ("empty error", 400, {"error": {}}, JSON, None, "bad_request", None),
    ("traceback", 400, b"Traceback (most recent call last): x", "text/plain", None, "bad_request", None),
    ("long text", 400, b"x" * 1025, "text/plain", None, "bad_request", None),
    ("binary", 400, b"\x89PNG\xff", "image/png", None, "bad_request", None),
    ("bad UTF-8 text", 400, b"caf\xe9", "text/plain", None, "bad_request", None),
    ("bad UTF-8 JSON", 400, b'{"detail": "caf\xe9"}', JSON, None, "bad_request", None),
    ("broken JSON", 400, b'{"detail": ', JSON, None, "bad_request", None),
    ("text like JSON", 400, b"{not json}", "text/plain", "{not json}", "bad_request", None),
    ("UTF-16", 404, json.dumps({"detail": "Wide"}).encode("utf-16"), JSON, "Wide", "not_found", None),
]  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape[0])
def test_a_foreign_answer_is_read_in_its_own_shape(
    shape: tuple[str, int, object, str, str | None, str, str | None],
) -> None:
    """Short author-written text, code and param are kept on 4xx; everything else is ours."""
    _, status, body, content_type, message, code, param = shape
    error = read(status, body, content_type)
    own = error_from_answer(status, None)
    assert error.status == status
    assert (error.message, error.code, error.param) == (message or own.message, code, param)


OBJECTS = [
    shape
    for shape in SHAPES
    if isinstance(shape[2], dict) and not isinstance(shape[2].get("detail"), (dict, list))
]


@pytest.mark.parametrize("shape", OBJECTS, ids=lambda shape: shape[0])
def test_an_object_says_the_same_as_the_detail_of_an_answer(
    shape: tuple[str, int, object, str, str | None, str, str | None],
) -> None:
    """FastAPI and Starlette wrap what an `HTTPException` was given."""
    _, status, body, content_type, message, code, param = shape
    error = read(status, {"detail": body}, content_type)
    own = error_from_answer(status, None)
    assert (error.message, error.code, error.param) == (message or own.message, code, param)


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape[0])
@pytest.mark.parametrize("status", [500, 502, 503, 599])
def test_no_text_of_a_5xx_is_kept(
    shape: tuple[str, int, object, str, str | None, str, str | None], status: int
) -> None:
    """What a failing service says is for its operators."""
    error = read(status, shape[2], shape[3])
    own = error_from_answer(status, None)
    assert (error.message, error.code, error.param) == (own.message, own.code, None)


def envelope(**changes: object) -> dict[str, object]:
    """Return an envelope of ours, with some members changed."""
    members = {
        "type": "not_found_error",
        "code": "context_not_found",
        "message": "It has expired",
        "param": "context_id",
        "request_id": "req-0000000000",
    }
    return {"error": members | changes}


@pytest.mark.parametrize("status", [404, 500, 503])
def test_an_envelope_keeps_code_message_and_param(status: int) -> None:
    """Inner code that speaks the contract is believed, on 5xx too; the id becomes ours."""
    error = read(status, envelope(type=STATUSES[status].type))
    assert (error.message, error.code, error.param) == (
        "It has expired",
        "context_not_found",
        "context_id",
    )
    assert error_of(render(error, REQUEST_ID).body)["request_id"] == REQUEST_ID


@pytest.mark.parametrize(("header", "retry"), [("true", True), ("FALSE", False), ("maybe", None)])
def test_an_envelope_keeps_its_word_about_retrying(header: str, retry: bool | None) -> None:  # noqa: FBT001 - a column
    """`X-Should-Retry` of an envelope counts, of anything else it does not."""
    pipeline = Pipeline(Config())
    headers = [("Content-Type", JSON), ("X-Should-Retry", header)]
    answer = pipeline.on_answer(
        503, headers, json.dumps(envelope(type="server_error")).encode(), REQUEST
    )
    assert answer.error.retryable is (True if retry is None else retry)
    other = pipeline.on_answer(409, headers, b'{"detail": "No"}', REQUEST)
    assert other.error.retryable is False


@pytest.mark.parametrize(
    "changes",
    [
        {"code": "Not A Code"},
        {"code": None},
        {"message": 5},
        {"message": " "},
        {"message": "m" * 1025},
        {"param": 5},
        {"param": ""},
        {"param": "a\0b"},
        {"param": "p" * 257},
        {"extra": 1},
        {"type": "api_error"},
        {"type": "not_found_error"},
        {"type": None},
        {"type": ["server_error"]},
        {"request_id": {"a": 1}},
        {"request_id": "a b"},
        {"request_id": "r" * 129},
        {"request_id": ""},
    ],
    ids=lambda changes: ascii(changes)[:40],
)
def test_what_is_not_quite_an_envelope_is_foreign(changes: dict[str, object]) -> None:
    """On a 5xx its text is then not shown, nor its code and param."""
    error = read(500, envelope(**{"type": "server_error"} | changes))
    assert (error.message, error.code, error.param) == ("Unexpected server error", "internal", None)
    assert read(500, envelope() | {"more": 1}).message == "Unexpected server error"


def test_an_envelope_with_a_blank_message_gets_the_statuss() -> None:
    """A message is never empty."""
    assert read(404, envelope(message=" ")).message == "The resource was not found"


LOC = "loc"


@pytest.mark.parametrize(
    ("items", "status", "code", "param", "message"),
    [
        (
            [{"type": "missing", LOC: ["body", "messages"], "input": "secret"}],
            400,
            "missing_field",
            "messages",
            "The 'messages' field is required",
        ),
        (
            [{"type": "missing", LOC: ["query", "limit"]}],
            400,
            "missing_field",
            "limit",
            "The 'limit' field is required",
        ),
        (
            [{"type": "missing", LOC: ["body"]}],
            400,
            "missing_body",
            None,
            "A request body is required",
        ),
        (
            [{"type": "missing", LOC: ["body", "meta", "secret"]}],
            400,
            "missing_field",
            None,
            "A required field is absent",
        ),
        (
            [{"type": "json_invalid", LOC: ["body", 12]}],
            400,
            "invalid_json",
            None,
            "The request body is not valid JSON",
        ),
        (
            [{"type": "json_invalid", LOC: ["body", "settings"]}],
            422,
            "invalid_value",
            None,
            "The request body has an invalid value",
        ),
        (
            [{"type": "int_parsing", LOC: ["query", "limit"], "msg": "secret"}],
            400,
            "invalid_limit",
            "limit",
            "The 'limit' parameter has an invalid value",
        ),
        (
            [{"type": "int_parsing", LOC: ["path", "id"]}],
            400,
            "invalid_id",
            "id",
            "The 'id' parameter has an invalid value",
        ),
        (
            [{"type": "x", LOC: ["header", "x-token"]}],
            400,
            "invalid_value",
            "x-token",
            "The 'x-token' parameter has an invalid value",
        ),
        (
            [{"type": "x", LOC: ["cookie", "session", "secret"]}],
            400,
            "invalid_value",
            None,
            "A parameter has an invalid value",
        ),
        (
            [{"type": "int_type", LOC: ["body", "messages", 0, "secret"]}],
            422,
            "invalid_value",
            None,
            "The request body has an invalid value",
        ),
        (
            [{"type": "extra_forbidden", LOC: ["body", "secret"]}],
            400,
            "unknown_field",
            None,
            "The request body has a field that is not allowed",
        ),
        (
            [{"type": "missing", LOC: ["body", "a"]}, {"type": "missing", LOC: ["body", "b"]}],
            400,
            "missing_field",
            "a",
            "The 'a' field is required (and 1 more: b)",
        ),
        (
            [7, {LOC: "x"}, {LOC: []}, {LOC: [0]}, {"type": "missing", LOC: ["body", "a"]}],
            400,
            "missing_field",
            "a",
            "The 'a' field is required",
        ),
    ],
)
def test_fastapis_own_validation_answer_follows_section_7(
    items: list[object], status: int, code: str, param: str | None, message: str
) -> None:
    """Its list says where, not what was declared: what may be a client's key is left out."""
    error = read(422, {"detail": items})
    assert (error.status, error.code, error.param) == (status, code, param)
    assert error.message == message


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("alone", [False, True])
def test_so_does_its_list_under_another_name(count: int, *, alone: bool) -> None:
    """fastapi-problem's answer has a title beside it; some services send the list alone."""
    items = [{"type": "int_parsing", LOC: ["query", "limit"], "msg": "secret"}, 7][:count]
    error = read(422, items if alone else {"title": "Request validation error.", "errors": items})
    assert (error.status, error.code, error.param) == (400, "invalid_limit", "limit")
    assert "secret" not in error.message


def test_what_a_validator_says_of_one_place_is_no_detail() -> None:
    """pydantic has its place as a tuple, where a service raises it."""
    said: dict[str, object] = {
        "type": "value_error",
        LOC: ("card",),
        "msg": "Value error, 4111 is no card",
    }
    assert read_detail(said, 422) == ForeignBody()


TYPES = [
    # The request's Content-Type, FastAPI's failure, the code that is answered.
    ("text/plain", {"type": "model_attributes_type", LOC: ["body"]}, "unsupported_media_type"),
    ("text/plain", {"type": "missing", LOC: ["body", "a"]}, "unsupported_media_type"),
    ("", {"type": "model_attributes_type", LOC: ["body"]}, "unsupported_media_type"),
    ("", {"type": "missing", LOC: ["body", "a"]}, "missing_field"),
    ("text/plain", {"type": "missing", LOC: ["body"]}, "missing_body"),
    ("text/plain", {"type": "missing", LOC: ["query", "a"]}, "missing_field"),
    ("multipart/form-data; boundary=x", {"type": "missing", LOC: ["body", "a"]}, "missing_field"),
    ("application/json", {"type": "model_attributes_type", LOC: ["body"]}, "invalid_value"),
    ("Application/Vnd.API+JSON; a=b", {"type": "missing", LOC: ["body", "a"]}, "missing_field"),
    (None, {"type": "model_attributes_type", LOC: ["body"]}, "invalid_value"),
    (
        "application/json",
        {"type": "union_tag_not_found", LOC: ["body"], "ctx": {"discriminator": "'kind'"}},
        "missing_field",
    ),
    (
        "application/json",
        {"type": "union_tag_not_found", LOC: ["body"], "ctx": {"discriminator": "by_shape()"}},
        "invalid_value",
    ),
    ("application/json", {"type": "union_tag_not_found", LOC: ["body"]}, "invalid_value"),
]


@pytest.mark.parametrize(
    "text",
    [
        "'s3cret' is not of type 'integer'",
        "'s3cret' is not of type 'integer' - 'card.number'",
        "'s3cret' is not of type 'integer'\n\nFailed validating 'type' in schema:\n    {}",
        "{'password': 's3cret'} is not valid under any of the given schemas",
        "['s3cret', 's3cret'] has non-unique elements",
        "'s3cret' does not match '^[a-z]$'",
        "'s3cret' is not one of ['a', 'b']",
        "'s3cret' is too long",
        "'s3cret' is not a 'date'",
        "10 is greater than the maximum of 5",
        "-1.5 is less than the minimum of 0",
        "True is not of type 'string'",
        "None is not of type 'string'",
        "Additional properties are not allowed ('s3cret' was unexpected)",
        "Wrong type, expected 'integer' for query parameter 'limit'",
        "Extra query parameter(s) s3cret not in spec",
        "Validation failed for GET /items?key=s3cret",
        "Missing required query parameter 'limit' for path /items?key=s3cret",
        "Object contains unknown field `s3cret` - at `$.data`",
        "Expected `int`, got `str` - at `$.n`",
        "JSON is malformed: invalid character (byte 0)",
        "Invalid Content-type (s3cret), expected ['application/json']",
        "Value s3cret not valid for schema of type integer: ('s3cret' is not of type 'integer',)",
        "1 validation error for Card\nnumber\n  Input should be a valid integer [input_value='s3cret']",
        "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)",
    ],
    ids=ascii,
)
@pytest.mark.parametrize("member", ["detail", "message", "description", "title", "error"])
def test_what_a_validator_says_of_its_input_is_no_message(member: str, text: str) -> None:
    """A password that failed validation must not come back."""
    for body in ({member: text}, {"title": "Request data failed validation", member: text}):
        error = read(400, body)
        assert "s3cret" not in error.message
        assert error.message in {STATUSES[400].message, "Request data failed validation"}


@pytest.mark.parametrize(
    "text",
    [
        "The value is not one of ours",
        "'basic' is not a plan of yours",
        "5 is the maximum",
        "Nothing was expected here",
        "Additional credits are not available",
    ],
)
def test_what_an_author_writes_about_values_stays(text: str) -> None:
    """Though it has some of a validator's words."""
    assert read(400, {"detail": text}).message == text


odd = st.recursive(
    st.sampled_from([None, True, 0, -1, 1.5, "", "a", "body", "missing", "union_tag_not_found"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=8,
)


@given(odd, st.sampled_from([400, 404, 422, 500, 599]))
@example({"detail": [{"loc": ["body", "a"], "type": {}}]}, 422)
@example({"detail": [{"loc": [["body"], {}], "type": []}]}, 422)
@example({"detail": [{"loc": ["body", {}], "type": "union_tag_not_found", "ctx": []}]}, 422)
@example({"error": {"type": [], "code": {}, "message": [], "param": {}, "request_id": []}}, 500)
def test_members_of_odd_types_never_raise(body: object, status: int) -> None:
    """Whatever stands where a text, a list or an object is expected."""
    assert read(status, body).status == STATUSES[status].status


@pytest.mark.parametrize("case", TYPES, ids=range(len(TYPES)))
def test_a_body_that_was_refused_for_its_type_is_a_415(
    case: tuple[str | None, dict[str, object], str],
) -> None:
    """FastAPI hands on raw what is not declared as JSON, and then finds no object in it."""
    content_type, item, code = case
    body = json.dumps({"detail": [item]}).encode()
    request = REQUEST._replace(content_type=content_type)
    answer = Pipeline(Config()).on_answer(422, [("Content-Type", JSON)], body, request)
    assert error_of(answer.reply.body)["code"] == code


@pytest.mark.parametrize("detail", [[], ["text"], [{"msg": "no loc"}]])
def test_a_list_that_is_no_validation_answer_says_nothing(detail: list[object]) -> None:
    """The status stays what it was."""
    assert read(422, {"detail": detail}).code == "invalid_value"
    assert read(409, {"detail": [{"type": "missing", LOC: ["body", "a"]}]}).code == "conflict"


HOSTILE = [
    b"[" * 100_000,
    b'{"a":' * 100_000,
    b'{"error":' * 10_000 + b"1" + b"}" * 10_000,
    b'{"detail":' + b"1" * 5_000 + b"}",
    b"1" * 60_000,
    b'{"code": 1e999999}',
    b'{"detail": "\\ud800"}',
    b'{"detail": "\\u0000"}',
    b'{"detail": NaN}',
    b"\xff\xfe\x00",
    b"\x00",
    b"\xef\xbb\xbf{}",
    b'{"detail":"a","detail":{"message":"b"}}',
    b"{" + b'"k":1,' * 9_000 + b'"z":1}',
    b" " * BODY_LIMIT,
]


@pytest.mark.parametrize("body", HOSTILE, ids=lambda body: ascii(body[:24]))
@pytest.mark.parametrize("content_type", [JSON, "text/plain", ""])
def test_a_hostile_body_is_only_a_body_that_says_nothing(body: bytes, content_type: str) -> None:
    """Deep nesting, huge integers, bad UTF-8: the answer is an envelope all the same."""
    answer = Pipeline(Config()).on_answer(400, [("Content-Type", content_type)], body, REQUEST)
    assert answer.reply.status == 400
    assert check_answer(*answer.reply) == []


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), any_text),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.one_of(
                st.sampled_from(["error", "detail", "code", "message", "param", "loc", "type"]),
                any_text,
            ),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=12,
)


@given(json_values, st.sampled_from([400, 404, 422, 500, 502]))
@example({"detail": [{"loc": ["body", "\ud800"], "type": "missing"}]}, 422)
def test_any_json_becomes_an_envelope(body: object, status: int) -> None:
    """Whatever inner code returns, the client gets the five members."""
    reply = (
        Pipeline(Config())
        .on_answer(status, [("Content-Type", JSON)], json.dumps(body).encode(), REQUEST)
        .reply
    )
    assert faults(reply) == []


@given(st.binary(max_size=200), any_text.filter(str.isprintable), st.integers(400, 700))
def test_any_bytes_become_an_envelope(body: bytes, content_type: str, status: int) -> None:
    """And whatever it calls them."""
    headers = [("Content-Type", content_type), ("Content-Encoding", "gzip")]
    for pairs in (headers, headers[:1], []):
        reply = Pipeline(Config()).on_answer(status, pairs, body, REQUEST).reply
        assert faults(reply) == []


@pytest.mark.parametrize("key", KEYS)
def test_a_key_in_a_foreign_text_is_redacted(key: str) -> None:
    """An author's text may quote the request."""
    body = render(read(401, {"detail": f"The key {key} is unknown"}), REQUEST_ID).body
    assert key.encode() not in body


TEXT = b'{"detail": "No such item"}'


def raw_deflate(data: bytes) -> bytes:
    """Compress without zlib's head and sum."""
    return zlib.compress(data, wbits=-zlib.MAX_WBITS)


EMPTY_MEMBER = gzip.compress(b"")


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", gzip.compress(TEXT)),
        ("X-GZIP", gzip.compress(TEXT)),
        ("deflate", zlib.compress(TEXT)),
        ("identity", TEXT),
        ("", TEXT),
        ("gzip, deflate", zlib.compress(gzip.compress(TEXT))),
        ("deflate", raw_deflate(TEXT)),
        ("gzip, deflate", raw_deflate(gzip.compress(TEXT))),
        ("gzip", gzip.compress(TEXT[:9]) + gzip.compress(TEXT[9:])),
        ("gzip", EMPTY_MEMBER * 63 + gzip.compress(TEXT)),
        ("gzip", gzip.compress(TEXT) + b"\0" * 100),
    ],
    ids=lambda value: len(value) if isinstance(value, bytes) else None,
)
def test_a_compressed_answer_is_read(encoding: str, body: bytes) -> None:
    """Compression inside us is no reason to lose an author's text."""
    assert decode_body(body, encoding) == TEXT
    headers = [("Content-Type", JSON)]
    headers += [("Content-Encoding", part.strip()) for part in encoding.split(",")]
    answer = Pipeline(Config()).on_answer(404, headers, body, REQUEST)
    assert answer.error.message == "No such item"
    assert check_answer(*answer.reply) == []


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("compress", TEXT),
        ("gzip", TEXT),
        ("gzip", b""),
        ("deflate", b"\x00\x01"),
        ("deflate", b"\x07\x01"),
        ("gzip", gzip.compress(b" " * (BODY_LIMIT + 1))),
        ("gzip, gzip", gzip.compress(gzip.compress(b" " * 100_000_000, 1))),
        ("deflate", TEXT),
        ("deflate", raw_deflate(TEXT)[:-4]),
        ("deflate", raw_deflate(TEXT) + b"more"),
        ("deflate", raw_deflate(b" " * (BODY_LIMIT + 1))),
        ("gzip", raw_deflate(TEXT)),
        ("gzip", gzip.compress(b" " * BODY_LIMIT) + gzip.compress(TEXT)),
        ("gzip", gzip.compress(TEXT) + gzip.compress(TEXT)[:-8] + b"\0" * 8),
        ("gzip", EMPTY_MEMBER * 64 + gzip.compress(TEXT)),
        (", ".join(["identity"] * 9), TEXT),
    ],
    ids=[
        "unknown",
        "not-gzip",
        "empty",
        "not-deflate",
        "no-kind-of-block",
        "over-the-limit",
        "bomb",
        "text-as-deflate",
        "cut-deflate",
        "more-than-deflate",
        "deflate-over-the-limit",
        "deflate-as-gzip",
        "members-over-the-limit",
        "broken-member",
        "too-many-members",
        "too-many-codings",
    ],
)
def test_a_compressed_answer_that_cannot_be_read_says_nothing(encoding: str, body: bytes) -> None:
    """Nor does a bomb: it is never unpacked beyond 64 KiB."""
    decoded = decode_body(body, encoding)
    assert not decoded
    headers = [("Content-Type", JSON), ("Content-Encoding", encoding)]
    reply = Pipeline(Config()).on_answer(404, headers, body, REQUEST).reply
    assert error_of(reply.body)["message"] == "The resource was not found"


def test_of_what_is_too_long_the_start_is_read() -> None:
    """A byte over the limit, and no more: of one member or several, and of a bare deflate."""
    whole = b"x" * (BODY_LIMIT + 9)
    start = whole[: BODY_LIMIT + 1]
    halves = gzip.compress(whole[:BODY_LIMIT]) + gzip.compress(whole[BODY_LIMIT:])
    assert decode_start(halves, "gzip") == start
    assert decode_start(raw_deflate(whole), "deflate") == start


@given(st.text(alphabet="{}[]\"': ,abcdet019\n", min_size=4, max_size=200))
@example("[0a1 ")  # a whole bare deflate, of three bytes
def test_a_text_is_not_taken_for_deflate(text: str) -> None:
    """Upstream bodies may come with their encoding undone, and the header still there."""
    assert not decode_start(text.encode(), "deflate")


def test_the_reason_of_a_socket_that_fastapi_refused_is_a_validation_failure() -> None:
    """A list stands where a text is due: no server can send it."""
    error = error_from_reason([{"type": "missing", LOC: ("query", "token")}])
    assert (error.code, error.param) == ("missing_field", "token")
    assert error_from_reason([]).code == "invalid_value"


def test_a_bomb_is_not_unpacked() -> None:
    """A hundred megabytes in a hundred kilobytes take no more memory than the limit."""
    bomb = gzip.compress(bytes(100_000_000), 1)
    tracemalloc.start()
    try:
        assert decode_body(bomb, "gzip") is None
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1_000_000


def test_a_body_over_64_kib_is_not_read() -> None:
    """To the byte."""
    short = b'{"detail": "No such item"}'
    assert read_body(short.ljust(BODY_LIMIT), 404, JSON).message == "No such item"
    assert read_body(short.ljust(BODY_LIMIT + 1), 404, JSON).message is None


def test_an_envelope_in_a_list_is_none() -> None:
    """Its text on a 500 is not one for the client."""
    inside = {"type": "server_error", "code": "down", "message": "db-7", "param": None}
    said = {"error": {**inside, "request_id": REQUEST_ID}}
    assert read(500, said).message == "db-7"
    assert read(500, [said]).message == "Unexpected server error"
