"""Every way the demo fails, as data: the request that causes it and the answer it must get.

The command sends these to each stack and the tests read them too. What is expected is
written out and not derived from the service, so that stacks which agree on a wrong answer
are found out as well.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from kaiko_demo.body import MAX_BODY
from kaiko_demo.seed import (
    EXPIRED_CONTEXT,
    LIMITED_KEY,
    LIVE_CONTEXT,
    LIVE_KEY,
    REVOKED_KEY,
    UNKNOWN_KEY,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kaiko_middleware import ErrorType

__all__ = ["CAUSES", "Cause", "Expected", "Request"]

_Json: TypeAlias = "Mapping[str, _Json] | list[_Json] | str | int | bool | None"


@dataclass(frozen=True, slots=True)
class Request:
    """One request, whole.

    Arguments:
        method: Its method.
        path: Its target.
        headers: Its headers, but for `Host` and `Content-Length`, which a client adds.
        body: Its body; None where it has none.
    """

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class Expected:
    """The answer it must get.

    Arguments:
        status: Its status.
        type: The error's type; None on success.
        code: The error's code; None on success.
        param: The error's param.
        headers: Names of headers that must be there.
    """

    status: int
    type: ErrorType | None = None
    code: str | None = None
    param: str | None = None
    headers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Cause:
    """One way to fail (or not to).

    Arguments:
        name: What causes it, in a few words.
        request: The request.
        expected: Its answer.
        before: Requests that have to succeed first.
        in_stream: Whether the error is the last event of a stream that began well.
        never: Texts that the answer must not hold anywhere.
    """

    name: str
    request: Request
    expected: Expected
    before: tuple[Request, ...] = ()
    in_stream: bool = False
    never: tuple[str, ...] = ()


def _get(path: str, *, key: str | None = LIVE_KEY) -> Request:
    return Request("GET", path, {} if key is None else {"x-api-key": key})


def _post(path: str, body: _Json | bytes, *, method: str = "POST") -> Request:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"x-api-key": LIVE_KEY, "Content-Type": "application/json"}
    return Request(method, path, headers, raw)


def _error(
    status: int, kind: ErrorType, code: str, param: str | None = None, *headers: str
) -> Expected:
    return Expected(status, kind, code, param, headers)


_INVALID: ErrorType = "invalid_request_error"
_QUOTA = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")
_HELLO: _Json = [{"role": "user", "content": "I lost my keys"}]
_GREETING: _Json = {"messages": [{"role": "user", "content": "Hello", "external_id": "msg-1"}]}


def _analysis(**changes: _Json) -> _Json:
    return {"model": "emotion-v2", "text": "I am so happy. I am sad.", **changes}


CAUSES: tuple[Cause, ...] = (
    Cause("models listed", _get("/v2/models"), Expected(200, headers=_QUOTA)),
    Cause(
        "batch analysed",
        _post("/v2/analyses/batch", {"model": "emotion-v2", "texts": ["So glad", "I hate it"]}),
        Expected(200, headers=_QUOTA),
    ),
    Cause(
        "analysis streamed",
        _post("/v2/analyses", _analysis(stream=True)),
        Expected(200, headers=_QUOTA),
    ),
    Cause("context created", _post("/v2/contexts", {}), Expected(201, headers=_QUOTA)),
    Cause(
        "messages missing",
        _post("/v2/chat", {"model": "gpt-4"}),
        _error(400, _INVALID, "missing_field", "messages"),
    ),
    Cause(
        "malformed JSON",
        _post("/v2/chat", b'{"model": "gpt-4", "messages": ['),
        _error(400, _INVALID, "invalid_json"),
    ),
    Cause("empty body", _post("/v2/chat", b""), _error(400, _INVALID, "missing_body")),
    Cause(
        "malformed model",
        _post("/v2/analyses", _analysis(model="Emotion v2!")),
        _error(400, _INVALID, "invalid_model", "model"),
    ),
    Cause(
        "no API key",
        _get("/v2/models", key=None),
        _error(401, "authentication_error", "invalid_api_key", None, "WWW-Authenticate"),
    ),
    Cause(
        "malformed API key",
        _get("/v2/models", key="let-me-in"),
        _error(401, "authentication_error", "invalid_api_key", None, "WWW-Authenticate"),
    ),
    Cause(
        "unknown API key",
        _get("/v2/models", key=UNKNOWN_KEY),
        _error(401, "authentication_error", "invalid_api_key", None, "WWW-Authenticate"),
        never=(UNKNOWN_KEY,),
    ),
    Cause(
        "revoked API key",
        _get("/v2/models", key=REVOKED_KEY),
        _error(403, "forbidden_error", "key_revoked"),
        never=(REVOKED_KEY,),
    ),
    Cause(
        "unknown context",
        _get("/v2/contexts/ctx_nowhere"),
        _error(404, "not_found_error", "context_not_found", "context_id"),
    ),
    Cause(
        "expired context",
        _get(f"/v2/contexts/{EXPIRED_CONTEXT}"),
        _error(404, "not_found_error", "context_not_found", "context_id"),
    ),
    Cause(
        "unknown model",
        _post("/v2/analyses", _analysis(model="emotion-v9")),
        _error(404, "not_found_error", "model_not_found", "model"),
    ),
    Cause("no such route", _get("/v2/nothing"), _error(404, "not_found_error", "not_found")),
    Cause(
        "wrong method",
        _post("/v2/chat", {}, method="PUT"),
        _error(405, _INVALID, "method_not_allowed", None, "Allow"),
    ),
    Cause(
        "external_id repeated",
        _post(f"/v2/contexts/{LIVE_CONTEXT}/messages", _GREETING),
        _error(409, "conflict_error", "duplicate_id", "messages[0].external_id"),
        before=(_post(f"/v2/contexts/{LIVE_CONTEXT}/messages", _GREETING),),
    ),
    Cause(
        "body too large",
        _post("/v2/analyses", _analysis(text="happy " * (MAX_BODY // 6))),
        _error(413, _INVALID, "payload_too_large"),
    ),
    Cause(
        "bad role",
        _post("/v2/chat", {"model": "gpt-4", "messages": [{"role": "robot", "content": "Hi"}]}),
        _error(422, _INVALID, "invalid_role", "messages[0].role"),
        never=("robot",),
    ),
    Cause(
        "too many requests",
        _get("/v2/models", key=LIMITED_KEY),
        _error(429, "rate_limit_error", "too_many_requests", None, "Retry-After", *_QUOTA),
        before=(_get("/v2/models", key=LIMITED_KEY), _get("/v2/models", key=LIMITED_KEY)),
    ),
    Cause(
        "a bug",
        _post("/v2/analyses", _analysis(text="Ich bin froh", language="de")),
        _error(500, "server_error", "internal"),
        never=("KeyError", "postgresql", "correct-horse-battery"),
    ),
    Cause(
        "dependency down",
        _post("/v2/chat", {"model": "gpt-4", "messages": _HELLO}),
        _error(503, "server_error", "service_unavailable", None, "Retry-After"),
        never=("127.0.0.1", "refused"),
    ),
    Cause(
        "a bug in mid-stream",
        _post("/v2/analyses", _analysis(text="I am happy. I am sad. ... The end.", stream=True)),
        Expected(200, "server_error", "internal"),
        in_stream=True,
        never=("ZeroDivisionError", "division"),
    ),
)
