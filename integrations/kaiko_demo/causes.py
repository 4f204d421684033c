"""Every way the demo fails, as data: the request that causes it and the expected answer.

The command sends these to each stack, and the tests use them too. The expected answers are
written out and not computed by the service, so a wrong answer is found even if all stacks agree
on it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from kaiko_demo.cause import Cause, Expected, error, get, post
from kaiko_demo.causes_behind import CAUSES_BEHIND
from kaiko_demo.guards import MAX_BODY
from kaiko_demo.seed import (
    DOWN_MODEL,
    EXPIRED_CONTEXT,
    LIMITED_KEY,
    LIVE_CONTEXT,
    LIVE_KEY,
    REVOKED_KEY,
    STAGING_KEY,
    UNKNOWN_KEY,
)

if TYPE_CHECKING:
    from kaiko_demo.cause import Json
    from kaiko_demo.schemas import StreamForm
    from kaiko_middleware import ErrorType

__all__ = ["CAUSES"]

_INVALID: ErrorType = "invalid_request_error"
_QUOTA = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")
_HELLO: Json = [{"role": "user", "content": "I lost my keys"}]
_GREETING: Json = {"messages": [{"role": "user", "content": "Hello", "external_id": "msg-1"}]}


def _analysis(**changes: Json) -> Json:
    return {"model": "emotion-v2", "text": "I am so happy. I am sad.", **changes}


def _broken_stream(form: StreamForm) -> Json:
    text = "I am happy. I am sad. ... The end."
    return _analysis(text=text, stream=True, stream_as=form)


CAUSES: tuple[Cause, ...] = (
    Cause("models listed", get("/v2/models"), Expected(200, headers=_QUOTA)),
    Cause(
        "batch analysed",
        post("/v2/analyses/batch", {"model": "emotion-v2", "texts": ["So glad", "I hate it"]}),
        Expected(200, headers=_QUOTA),
    ),
    Cause(
        "analysis streamed",
        post("/v2/analyses", _analysis(stream=True)),
        Expected(200, headers=_QUOTA),
    ),
    Cause("context created", post("/v2/contexts", {}), Expected(201, headers=_QUOTA)),
    Cause(
        "messages missing",
        post("/v2/chat", {"model": "gpt-4"}),
        error(400, _INVALID, "missing_field", "messages"),
    ),
    Cause(
        "malformed JSON",
        post("/v2/chat", b'{"model": "gpt-4", "messages": ['),
        error(400, _INVALID, "invalid_json"),
    ),
    Cause("empty body", post("/v2/chat", b""), error(400, _INVALID, "missing_body")),
    Cause(
        "malformed model",
        post("/v2/analyses", _analysis(model="Emotion v2!")),
        error(400, _INVALID, "invalid_model", "model"),
    ),
    Cause(
        "no API key",
        get("/v2/models", key=None),
        error(401, "authentication_error", "invalid_api_key", None, "WWW-Authenticate"),
    ),
    Cause(
        "malformed API key",
        get("/v2/models", key="let-me-in"),
        error(401, "authentication_error", "invalid_api_key", None, "WWW-Authenticate"),
    ),
    Cause(
        "unknown API key",
        get("/v2/models", key=UNKNOWN_KEY),
        error(401, "authentication_error", "invalid_api_key", None, "WWW-Authenticate"),
        never=(UNKNOWN_KEY,),
    ),
    Cause(
        "staging API key",
        get("/v2/models", key=STAGING_KEY),
        error(401, "authentication_error", "invalid_api_key", None, "WWW-Authenticate"),
        never=(STAGING_KEY,),
    ),
    Cause(
        "revoked API key",
        get("/v2/models", key=REVOKED_KEY),
        error(403, "forbidden_error", "key_revoked"),
        never=(REVOKED_KEY,),
    ),
    Cause(
        "scope missing",
        get(f"/v2/archive/{EXPIRED_CONTEXT}", key=LIMITED_KEY),
        error(403, "forbidden_error", "permission_denied"),
    ),
    Cause(
        "unknown context",
        get("/v2/contexts/ctx_nowhere"),
        error(404, "not_found_error", "context_not_found", "context_id"),
    ),
    Cause(
        "expired context",
        get(f"/v2/contexts/{EXPIRED_CONTEXT}"),
        error(404, "not_found_error", "context_not_found", "context_id"),
    ),
    Cause(
        "unknown model",
        post("/v2/analyses", _analysis(model="emotion-v9")),
        error(404, "not_found_error", "model_not_found", "model"),
    ),
    Cause("no such route", get("/v2/nothing"), error(404, "not_found_error", "not_found")),
    Cause(
        "wrong method",
        post("/v2/chat", {}, method="PUT"),
        error(405, _INVALID, "method_not_allowed", None, "Allow"),
    ),
    Cause(
        "external_id taken",
        post(f"/v2/contexts/{LIVE_CONTEXT}/messages", _GREETING),
        error(409, "conflict_error", "duplicate_id", "messages[0].external_id"),
        before=(post(f"/v2/contexts/{LIVE_CONTEXT}/messages", _GREETING),),
    ),
    Cause(
        "body too large",
        post("/v2/analyses", _analysis(text="happy " * (MAX_BODY // 6))),
        error(413, _INVALID, "payload_too_large"),
    ),
    Cause(
        "bad role",
        post("/v2/chat", {"model": "gpt-4", "messages": [{"role": "robot", "content": "Hi"}]}),
        error(422, _INVALID, "invalid_role", "messages[0].role"),
        never=("robot",),
    ),
    Cause(
        "too many requests",
        get("/v2/models", key=LIMITED_KEY),
        error(
            429, "rate_limit_error", "too_many_requests", None, "Retry-After", *_QUOTA, retry=True
        ),
        before=(get("/v2/models", key=LIMITED_KEY), get("/v2/models", key=LIMITED_KEY)),
    ),
    Cause(
        "caller out of time",
        replace(get("/v2/models"), headers={"x-api-key": LIVE_KEY, "X-Request-Deadline": "0"}),
        error(503, "server_error", "timeout", retry=True),
    ),
    Cause(
        "a bug",
        post("/v2/analyses", _analysis(text="Ich bin froh", language="de")),
        error(500, "server_error", "internal", retry=True),
        never=("KeyError", "postgresql", "correct-horse-battery"),
    ),
    Cause(
        "dependency down",
        post("/v2/chat", {"model": DOWN_MODEL, "messages": _HELLO}),
        error(503, "server_error", "service_unavailable", None, "Retry-After", retry=True),
        never=("127.0.0.1", "refused"),
    ),
    Cause(
        "a bug in a stream",
        post("/v2/analyses", _broken_stream("events")),
        Expected(200, "server_error", "internal"),
        in_stream=True,
        never=("ZeroDivisionError", "division"),
    ),
    Cause(
        "JSON lines break",
        post("/v2/analyses", _broken_stream("lines")),
        Expected(200, "server_error", "internal"),
        in_stream=True,
        never=("ZeroDivisionError", "division"),
    ),
    Cause(
        "plain text breaks",
        post("/v2/analyses", _broken_stream("text")),
        Expected(200),
        cut=True,
        never=("ZeroDivisionError", "division"),
    ),
    *CAUSES_BEHIND,
)
