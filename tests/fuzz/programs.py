"""Random programs: what an application, a client and an upstream do, as plain JSON.

A program is data, so that one which found a fault is kept as a file and replayed as it was.
The same `random.Random` always makes the same programs.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

Program = dict[str, Any]
Op = list[Any]

SECRET = "row 7 of payroll"
"""What the text of an exception or of a returned 5xx must never show to a client."""
KEY = "kaiko_live_" + "0123456789abcdef" * 2
"""What no log record, message or param may hold."""
LIVE_TEXTS = ("plain", KEY, f"Bearer {KEY}", "\x00\x01\x7f", "é\xa0ü", "x" * 700, "\r\nX-Evil: 1")

EXCEPTIONS = (
    "bug",
    "key",
    "typed",
    "typed_5xx",
    "typed_odd",
    "unprintable",
    "group",
    "typed_group",
    "cycle",
    "noted",
    "reset",
    "cancelled",
    "exit",
)
STATUSES = (200, 200, 200, 201, 204, 206, 302, 304, 400, 401, 404, 405, 409, 422, 429, 500, 500)
ODD_STATUSES = (0, 99, 600, 999, 451, 502, 520, 599, 418, 511)
METHODS = ("GET", "GET", "GET", "HEAD", "POST", "OPTIONS")
TYPES = (
    "application/json",
    "text/plain; charset=utf-8",
    "text/html; charset=utf-8",
    "application/problem+json",
    "text/event-stream",
    "application/x-ndjson",
    "application/jsonl",
    "application/octet-stream",
)
FIELDS = (
    ("X-Request-ID", "theirs"),
    ("x-request-id", "theirs-too"),
    ("Retry-After", "7"),
    ("Retry-After", "Wed, 21 Oct 2015 07:28:00 GMT"),
    ("X-RateLimit-Reset", "1790000000"),
    ("X-RateLimit-Reset", "soon"),
    ("Allow", "GET"),
    ("WWW-Authenticate", "Basic"),
    ("Cache-Control", "max-age=60"),
    ("Set-Cookie", "a=b"),
    ("Set-Cookie", "c=d"),
    ("Vary", "Accept"),
    ("ETag", '"1"'),
    ("Content-Encoding", "gzip"),
    ("Content-Encoding", "identity"),
    ("Access-Control-Allow-Origin", "*"),
    ("X-Should-Retry", "true"),
    ("X-Thing", "é"),
)
ODD_FIELDS = (
    ("X-Thing", "a\r\nX-Evil: 1"),
    ("X-Thing", "a\x00b"),
    ("X Thing", "1"),
    ("", "1"),
    ("X-Thing:", "1"),
)
ENVELOPE = {
    "error": {
        "type": "not_found_error",
        "code": "context_not_found",
        "message": "Context 'ctx_1' has expired",
        "param": "context_id",
        "request_id": "req-7f65ab21d1",
    }
}
BODIES: tuple[Any, ...] = (
    ENVELOPE,
    {"detail": "Not Found"},
    {"detail": [{"loc": ["body", "x"], "msg": "bad", "type": "value_error"}]},
    {"error": {"message": "Overloaded", "type": "overloaded_error", "code": None}},
    {"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "details": [{"retryDelay": "7s"}]}},
    {"errors": [{"message": "no", "locations": [{"line": 1, "column": 2}]}], "data": None},
    {"message": "No", "code": "quota", "retry_after": 3},
    {"type": "about:blank", "title": "Gone", "status": 410, "detail": "It went"},
    {"ok": False, "error": "ratelimited"},
    {"error": "insufficient_quota", "error_code": 1},
    {"choices": [{"finish_reason": "stop", "message": {"content": "hello"}}]},
    {"object": "error", "message": "no", "code": 40_301},
    [{"error": {"message": "no", "code": 503}}],
    {"StatusCode": 401, "description": "who"},
    {"jsonrpc": "2.0", "id": 1, "error": {"code": -32602, "message": "no"}},
    {"error": "invalid_grant"},
    {"code": "not_found", "message": "no"},
)
LEAVES: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    503,
    10**30,
    1.5,
    "",
    "text",
    KEY,
    SECRET,
    "\ud800",
    "\x00",
    "x" * 5000,
    [],
    {},
    [[]],
    [None],
    {"a": []},
    "not_found_error",
    "req-7f65ab21d1",
)


def http_program(rng: Random) -> Program:
    """Return what an ASGI application and its client do in one exchange."""
    ops: list[Op] = []
    if rng.random() < 0.25:
        ops.append(rng.choice((["receive"], ["later"], ["catch"])))
    if rng.random() < 0.9:
        start = _start(rng)
        ops.append(start)
        ops += _body_ops(rng, start)
    for _ in range(rng.choice((0, 0, 1, 2))):
        ops.insert(rng.randrange(len(ops) + 1), _stray(rng))
    if rng.random() < 0.35:
        ops.insert(rng.randrange(len(ops) + 1), ["raise", rng.choice(EXCEPTIONS)])
    return {
        "kind": "http",
        "method": rng.choice(METHODS),
        "path": rng.choice(("/", "/v2/things", f"/{KEY}", "/a\x00b", "/é")),
        "headers": _request_fields(rng),
        "config": _config(rng),
        "leaves": rng.choice((-1, -1, -1, -1, 0, 1, 2)),
        "gone": rng.choice(("raise", "silent")),
        "ops": ops,
    }


def websocket_program(rng: Random) -> Program:
    """Return what an ASGI application does with a WebSocket."""
    ops: list[Op] = []
    if rng.random() < 0.6:
        ops.append(["accept", _some_fields(rng)])
        steps: tuple[Op, ...] = (["text", "hi"], ["bytes", "hi"], ["receive"], ["later"])
        ops += [rng.choice(steps) for _ in range(rng.choice((0, 1, 2)))]
        if rng.random() < 0.5:
            ops.append(["close", rng.choice((None, 1000, 1008, 4001)), rng.choice((None, "", "r"))])
    elif rng.random() < 0.5:
        ops.append(["close", rng.choice((None, 1000, 1008, 4001)), rng.choice((None, "", KEY))])
    else:
        ops.append(["deny", rng.choice((400, 403, 404, 429, 500, 503, 200)), _some_fields(rng)])
        ops.append(["deny_body", _body_text(rng), rng.random() < 0.2])
    if rng.random() < 0.5:
        ops.insert(rng.randrange(len(ops) + 1), ["raise", rng.choice(EXCEPTIONS)])
    return {
        "kind": "websocket",
        "method": "GET",
        "path": "/socket",
        "headers": _request_fields(rng),
        "config": _config(rng),
        "deniable": rng.random() < 0.6,
        "leaves": rng.choice((-1, -1, -1, 1)),
        "gone": "raise",
        "ops": ops,
    }


def wsgi_program(rng: Random) -> Program:
    """Return what a WSGI application and its client do in one exchange."""
    start = _start(rng)
    line = f"{start[1]} {rng.choice(('OK', 'Whatever', 'é'))}"
    call: list[Op] = []
    later: list[Op] = []
    where = call if rng.random() < 0.8 else later
    if rng.random() < 0.95:
        where.append(["start", line, start[2], False])
    chunks = [op for op in _body_ops(rng, start) if op[0] == "body"]
    for op in chunks:
        kind = "write" if where is call and rng.random() < 0.1 else "yield"
        (call if kind == "write" else later).append([kind, op[1]])
    if rng.random() < 0.15:
        second = _start(rng)
        into = rng.choice((call, later))
        into.append(["start", f"{second[1]} Again", second[2], rng.random() < 0.7])
    if rng.random() < 0.1:
        later.append(["odd", rng.choice(("str", "none", "int", "bytearray"))])
    if rng.random() < 0.35:
        into = rng.choice((call, later))
        raised = ["raise", rng.choice([e for e in EXCEPTIONS if e != "cancelled"])]
        into.insert(rng.randrange(len(into) + 1), raised)
    return {
        "kind": "wsgi",
        "method": rng.choice(METHODS),
        "path": rng.choice(("/", "/v2/things", f"/{KEY}")),
        "headers": _request_fields(rng),
        "config": _config(rng),
        "leaves": rng.choice((-1, -1, -1, -1, 1, 2)),
        "call": call,
        "later": later,
        "result": rng.choice(("list", "generator", "generator", "closing")),
        "close": rng.choice(("ok", "ok", "ok", "raise")),
    }


def upstream_program(rng: Random) -> Program:
    """Return what an upstream answers, and how the service reads it."""
    fields = [
        (name, rng.choice(values)) for name, values in _UPSTREAM_FIELDS if rng.random() < 0.35
    ]
    return {
        "kind": "upstream",
        "trust": rng.choice(("opaque", "llm", "peer")),
        "credential": rng.choice(("own", "forwarded")),
        "rate_limit_as": rng.choice((429, 503)),
        "method": rng.choice(("GET", "POST", "HEAD")),
        "expects": rng.choice(("json", "any")),
        "status": rng.choice((200, 200, 201, 204, 301, 304, 400, 401, 403, 404, 413, 420, 429, 499))
        if rng.random() < 0.7
        else rng.choice((500, 501, 502, 503, 504, 520, 526, 529, 600, 999)),
        "headers": fields,
        "body": _body_text(rng),
    }


_UPSTREAM_FIELDS = (
    ("content-type", (*TYPES, "", "application/json; charset=\x00")),
    ("retry-after", ("7", "-1", "1e9", "inf", "nan", "9" * 400, "Wed, 21 Oct 2015 07:28:00 GMT")),
    ("retry-after-ms", ("1500", "x", "0")),
    ("x-should-retry", ("true", "false", "maybe", "TRUE")),
    ("x-ratelimit-remaining", ("0", "7", "")),
    ("date", ("Wed, 21 Oct 2015 07:27:00 GMT", "x")),
    ("ratelimit", ('"default";r=0;t=5', "limit=1, remaining=0, reset=9", ";t=")),
    ("x-request-id", ("up-1", KEY, "\r\n", "x" * 5000)),
    ("content-encoding", ("gzip", "br", "identity")),
    ("x-amzn-errortype", ("ThrottlingException:http://x", "x")),
)

KINDS: dict[str, Callable[[Random], Program]] = {
    "http": http_program,
    "websocket": websocket_program,
    "wsgi": wsgi_program,
    "upstream": upstream_program,
}


def _config(rng: Random) -> Program:
    config: Program = {}
    if rng.random() < 0.15:
        config["reraise"] = False
    if rng.random() < 0.2:
        config["trust_request_id"] = True
    if rng.random() < 0.1:
        config["hold_event_streams"] = True
    if rng.random() < 0.1:
        config["rewrite_answers"] = False
    return config


def _request_fields(rng: Random) -> list[list[str]]:
    fields = [["Host", "localhost"]]
    if rng.random() < 0.3:
        value = rng.choice(("outer-1", KEY, "x" * 200, "a b", "", "\x00", "é"))
        fields.append(["X-Request-ID", value])
    if rng.random() < 0.05:
        fields.append(["X-Request-ID", "second"])
    if rng.random() < 0.2:
        fields.append(["Accept", rng.choice(("text/html", "*/*", "application/json"))])
    if rng.random() < 0.2:
        form = "application/x-www-form-urlencoded"
        fields.append(["Content-Type", rng.choice((*TYPES, form, form))])
    if rng.random() < 0.1:
        fields.append(["Connect-Protocol-Version", "1"])
    return fields


def _start(rng: Random) -> Op:
    status = rng.choice(STATUSES) if rng.random() < 0.9 else rng.choice(ODD_STATUSES)
    return ["start", status, _some_fields(rng)]


def _some_fields(rng: Random) -> list[list[str]]:
    fields: list[list[str]] = []
    if rng.random() < 0.85:
        fields.append(["content-type", rng.choice(TYPES)])
    fields += [list(rng.choice(FIELDS)) for _ in range(rng.choice((0, 0, 1, 2, 3)))]
    if rng.random() < 0.06:
        fields.append(list(rng.choice(ODD_FIELDS)))
    return fields


def _body_ops(rng: Random, start: Op) -> list[Op]:
    chunks = [_body_text(rng) for _ in range(rng.choice((0, 1, 1, 1, 2, 3)))]
    fields: list[list[str]] = start[2]
    if any(value == "text/event-stream" for _, value in fields):
        chunks = [f"data: {len(chunk)}\n\n"[: rng.choice((99, 99, 5))] for chunk in chunks]
    if rng.random() < 0.4:
        length = sum(len(chunk.encode("latin-1", "replace")) for chunk in chunks)
        if rng.random() < 0.1:
            length += rng.choice((-1, 1))
        fields.append(["content-length", str(max(length, 0))])
    ops: list[Op] = [["body", chunk, True] for chunk in chunks]
    if rng.random() < 0.85:
        if ops and rng.random() < 0.7:
            ops[-1][2] = False
        else:
            ops.append(["body", "", False])
    return ops


def _stray(rng: Random) -> Op:
    return rng.choice(
        (
            ["receive"],
            ["later"],
            ["catch"],
            ["odd_body", rng.choice(("str", "none", "int", "bytearray", "memoryview"))],
            ["odd_start", rng.choice(("str", "none", "float", "text_fields", "no_fields", "iter"))],
            ["event", rng.choice(("http.response.trailers", "http.response.debug", "nonsense"))],
            ["start", rng.choice(STATUSES), _some_fields(rng)],
            ["body", _body_text(rng), rng.random() < 0.5],
        )
    )


def _body_text(rng: Random) -> str:
    """Return a body as text of which each character is one octet."""
    if rng.random() < 0.25:
        return rng.choice(("", "Not Found", "hello", SECRET, *LIVE_TEXTS, "<h1>No</h1>"))
    value = json.loads(json.dumps(rng.choice(BODIES)))
    for _ in range(rng.choice((0, 0, 1, 1, 2, 5))):
        value = _mutated(rng, value)
    text = json.dumps(value, ensure_ascii=rng.random() < 0.8)
    text = text.encode("utf-8", "surrogatepass").decode("latin-1")
    if rng.random() < 0.1:
        at = rng.randrange(len(text) + 1)
        text = rng.choice(
            (
                text[:at],
                text[:at] + chr(rng.randrange(256)) + text[at:],
                "[" * 3000 + text,
                text + text,
                text.replace('"', "'", 1),
                f"data: {text}\n\n",
                "\xef\xbb\xbf" + text,
                text.replace("null", "NaN", 1),
            )
        )
    return text


def _mutated(rng: Random, value: Any) -> Any:
    if isinstance(value, dict) and value and rng.random() < 0.85:
        key = rng.choice(sorted(value))
        change = rng.random()
        if change < 0.15:
            return {name: each for name, each in value.items() if name != key}
        if change < 0.25:
            return {
                **value,
                rng.choice(("extra", "code", "type", "error", KEY)): rng.choice(LEAVES),
            }
        return {**value, key: _mutated(rng, value[key])}
    if isinstance(value, list) and value and rng.random() < 0.85:
        at = rng.randrange(len(value))
        return [*value[:at], _mutated(rng, value[at]), *value[at + 1 :]]
    return rng.choice(LEAVES)
