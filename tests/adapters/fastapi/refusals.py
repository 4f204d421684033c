"""Requests that FastAPI's validation refuses, and the error of section 7 for each."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from adapters.asgi.server import Answer, ask

if TYPE_CHECKING:
    from kaiko_asgi import ASGIApp

JSON = (("content-type", "application/json"),)
FORM = (("content-type", "application/x-www-form-urlencoded"),)
TEXT = (("content-type", "text/plain"),)
SECRET = "hunter2-kaiko"


class Case(NamedTuple):
    """One request that is refused, and why."""

    name: str
    path: str
    wanted: tuple[int, str, str | None, str]
    """The status, the code, the param and the message."""
    body: object = None
    headers: tuple[tuple[str, str], ...] = ()


def _missing(param: str, more: str = "") -> tuple[int, str, str | None, str]:
    return 400, "missing_field", param, f"The '{param}' field is required{more}"


def _bad(param: str, code: str, more: str = "") -> tuple[int, str, str | None, str]:
    return 422, code, param, f"The '{param}' field has an invalid value{more}"


def _parameter(param: str, code: str, more: str = "") -> tuple[int, str, str | None, str]:
    return 400, code, param, f"The '{param}' parameter has an invalid value{more}"


NO_BODY = 400, "missing_body", None, "A request body is required"
_NO_JSON = 400, "invalid_json", None, "The request body is not valid JSON"
_BAD_BODY = 422, "invalid_value", None, "The request body has an invalid value"
_UNKNOWN = 400, "unknown_field", None, "The request body has a field that is not allowed"
_TYPE = 415, "unsupported_media_type", None, "The content type of the request is not supported"

_GOOD = {"messages": [{"role": "user"}], "model": "m"}
CASES = (
    # A body that is one model.
    Case("absent", "/chat", NO_BODY),
    Case("absent-though-json", "/chat", NO_BODY, b"", JSON),
    Case("malformed", "/chat", _NO_JSON, b'{"messages":', JSON),
    Case("not-utf-8", "/chat", _NO_JSON, b'{"model":"\xff"}', JSON),
    Case("deep", "/chat", _NO_JSON, b"[" * 100_000, JSON),
    Case("huge-integer", "/chat", _NO_JSON, b'{"model":' + b"9" * 5000 + b"}", JSON),
    Case("list", "/chat", _BAD_BODY, [1]),
    Case("string", "/chat", _BAD_BODY, "text"),
    Case("of-type-text", "/chat", _TYPE, b"{}", TEXT),
    Case("of-no-type", "/chat", _TYPE, b"{}"),
    Case("of-garbage-type", "/chat", _TYPE, b"{}", (("content-type", ";;;"),)),
    Case("of-a-form's-type", "/chat", _TYPE, b"model=m", FORM),
    Case("of-type-text-not-utf-8", "/chat", _TYPE, b"\xff", TEXT),
    Case("fields-absent", "/chat", _missing("messages", " (and 1 more: model)"), {}),
    Case("one-absent", "/chat", _missing("model"), {"messages": []}),
    Case("nested-absent", "/chat", _missing("messages[0].role"), _GOOD | {"messages": [{}]}),
    Case(
        "nested-bad",
        "/chat",
        _bad("messages[1].role", "invalid_role"),
        _GOOD | {"messages": [{"role": "user"}, {"role": SECRET}]},
    ),
    Case("alias", "/chat", _bad("temp", "invalid_temp"), _GOOD | {"temp": SECRET}),
    Case("not-the-name", "/chat", _UNKNOWN, _GOOD | {"temperature": SECRET}),
    Case("unknown", "/chat", _UNKNOWN, _GOOD | {SECRET: 1}),
    Case("key-of-map", "/chat", _bad("meta[*]", "invalid_meta"), _GOOD | {"meta": {SECRET: "x"}}),
    Case("nan", "/chat", _bad("model", "invalid_model"), b'{"messages":[],"model":NaN}', JSON),
    Case("surrogate", "/chat", _BAD_BODY, b'{"messages":[],"model":"m","\\ud800":1}', JSON),
    Case(
        "many",
        "/list",
        _missing("[0].role", " (and 6 more: [1].role, [2].role, [3].role, [4].role, [5].role)"),
        [{}] * 7,
    ),
    Case("optional-bad", "/optional", _missing("messages", " (and 1 more: model)"), {}),
    # Other shapes of a body.
    Case("embedded-absent", "/embedded", _missing("chat"), {}),
    Case("embedded-no-body", "/embedded", NO_BODY),
    Case("embedded-null", "/embedded", _missing("chat"), b"null", JSON),
    Case("embedded-list", "/embedded", _missing("chat"), []),
    Case("embedded-of-type-text", "/embedded", _TYPE, b"{}", TEXT),
    Case(
        "embedded-bad",
        "/embedded",
        _bad("chat.model", "invalid_model"),
        {"chat": _GOOD | {"model": 1}},
    ),
    Case("several-no-body", "/several", NO_BODY),
    Case("several-absent", "/several", _missing("first", " (and 1 more: max-size)"), {}),
    Case(
        "several-bad",
        "/several",
        _bad("first.role", "invalid_role", " (and 1 more: max-size)"),
        {"first": {"role": SECRET}, "max-size": 0},
    ),
    Case(
        "no-code-of-it",
        "/several",
        _bad("max-size", "invalid_value"),
        {"first": {"role": "user"}, "max-size": 0},
    ),
    Case("list-item", "/list", _missing("[1].role"), [{"role": "user"}, {}]),
    Case("list-is-none", "/list", _BAD_BODY, {}),
    Case(
        "map-value",
        "/map",
        (422, "invalid_value", "[*]", "The '[*]' field has an invalid value"),
        {SECRET: "x"},
    ),
    Case("union", "/union", _missing("lives", " (and 1 more: kind)"), {"kind": "cat"}),
    Case("tag-absent", "/tagged", _missing("kind"), {"lives": 9}),
    Case("tag-bad", "/tagged", _bad("kind", "invalid_kind"), {"kind": SECRET}),
    Case(
        "below-tag",
        "/tagged",
        _bad("tricks[0]", "invalid_tricks"),
        {"kind": "dog", "tricks": ["x"]},
    ),
    Case("json-in-json", "/packed", _bad("payload", "invalid_payload"), {"payload": "{"}),
    Case(
        "key-in-json-in-json",
        "/packed",
        _bad("payload[*]", "invalid_payload"),
        {"payload": f'{{"{SECRET}":"x"}}'},
    ),
    Case("raw-too-long", "/raw", _BAD_BODY, b"long", TEXT),
    Case("raw-of-another-type", "/raw", _TYPE, b"long", (("content-type", "image/png"),)),
    # Parameters.
    Case("path", "/contexts/x", _parameter("context_id", "invalid_context_id")),
    Case("path-huge", f"/contexts/{'9' * 5000}", _parameter("context_id", "invalid_context_id")),
    Case("query", f"/contexts/1?limit={SECRET}", _parameter("limit", "invalid_limit")),
    Case("query-bound", "/contexts/1?limit=101", _parameter("limit", "invalid_limit")),
    Case("query-list", "/contexts/1?tags=1&tags=x", _parameter("tags[1]", "invalid_tags")),
    Case("query-json", "/contexts/1?json-depth={", _parameter("json-depth", "invalid_value")),
    Case("query-choice", "/contexts/1?size=x", _parameter("size", "invalid_size")),
    Case(
        "header",
        "/contexts/1",
        _parameter("trace-depth", "invalid_value"),
        None,
        (("trace-depth", SECRET),),
    ),
    Case(
        "cookie",
        "/contexts/1",
        _parameter("visits", "invalid_visits"),
        None,
        (("cookie", "visits=x"),),
    ),
    Case(
        "several-parameters",
        "/contexts/x?limit=x",
        _parameter("context_id", "invalid_context_id", " (and 2 more: limit, visits)"),
        None,
        (("cookie", "visits=x"),),
    ),
    Case("query-model-absent", "/filtered", _missing("limit")),
    Case("query-model-bad", "/filtered?limit=1&ids=x", _parameter("ids[0]", "invalid_ids")),
    Case(
        "query-model-unknown",
        f"/filtered?limit=1&{SECRET}=1",
        (400, "unknown_field", None, "The request has a parameter that is not allowed"),
    ),
    Case("dependency", "/dependency?time-zone=x", _parameter("time-zone", "invalid_value")),
    Case("dependency-absent", "/dependency", _missing("time-zone")),
    # Routers that were included, with what the inclusion added.
    Case("included", "/also/included", _missing("messages", " (and 1 more: model)"), {}),
    Case(
        "of-the-inclusion",
        "/of/included?time-zone=x",
        _parameter("time-zone", "invalid_value", " (and 1 more: temp)"),
        _GOOD | {"temp": SECRET},
    ),
    # Forms and files.
    Case("form-absent", "/form", _missing("name", " (and 1 more: years)"), b"", FORM),
    Case(
        "form-bad", "/form", _bad("years", "invalid_years"), f"name=n&years={SECRET}".encode(), FORM
    ),
    Case("form-no-body", "/form", _missing("name", " (and 1 more: years)")),
    Case("form-empty", "/form", _missing("name", " (and 1 more: years)"), b"", FORM),
    Case("form-model-empty", "/form-model", _missing("name", " (and 1 more: age)"), b"", FORM),
    Case("form-got-json", "/form", _TYPE, {"name": "n"}),
    Case("form-model-absent", "/form-model", _missing("age"), b"name=n", FORM),
    Case(
        "form-model-bad",
        "/form-model",
        _bad("age", "invalid_age"),
        f"name=n&age={SECRET}".encode(),
        FORM,
    ),
    Case("form-model-unknown", "/form-model", _UNKNOWN, f"name=n&age=1&{SECRET}=1".encode(), FORM),
    Case("file-absent", "/file", _missing("upload"), b"", FORM),
    Case("file-no-file", "/file", _bad("upload", "invalid_upload"), b"upload=x", FORM),
    Case("file-and-form", "/bytes", _missing("upload", " (and 1 more: note)"), b"note=x", FORM),
)

GETS = ("/contexts", "/filtered", "/traced", "/dependency")


def refuse(app: ASGIApp, case: Case) -> Answer:
    """Send a case's request."""
    body, headers = case.body, case.headers
    if body is not None and not isinstance(body, bytes):
        body, headers = json.dumps(body).encode(), JSON
    sent = body if isinstance(body, bytes) else b""
    length = [("content-length", str(len(sent)))] if sent else []
    method = "GET" if case.path.startswith(GETS) else "POST"
    return ask(app, case.path, method=method, headers=[*headers, *length], body=[sent])
