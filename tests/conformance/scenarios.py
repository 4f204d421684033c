"""What must be the same on every framework, as data.

A scenario says what a view does (`Act`), what is sent to it, and what must come back. A
driver builds one application of its framework that can do every act, and sends every
request to it; the answers of all drivers must be equal byte for byte but for the id.
"""

from __future__ import annotations

import gzip
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from kaiko_middleware import (
    AuthenticationError,
    ConflictError,
    ForbiddenError,
    InvalidRequestError,
    InvalidValueError,
    KaikoError,
    MissingFieldError,
    NotFoundError,
    PayloadTooLargeError,
    RateLimitError,
    ServerError,
    ServiceUnavailableError,
)

if TYPE_CHECKING:
    from collections.abc import Callable


class ContextNotFound(NotFoundError, code="scenario_context_not_found", param="context_id"):
    """The context does not exist, or it has expired."""


class Gone(NotFoundError, code="scenario_gone", status=410):
    """The resource was removed."""


class Sealed(
    ConflictError, code="scenario_sealed", message="The context is sealed", resolution="Unseal it."
):
    """Developers know why."""


class Lazy(str):
    """Something that `str()` makes text, as frameworks translate."""

    __slots__ = ()

    def __str__(self) -> str:
        return f"{str.__str__(self)}, in your language"


class Message(BaseModel):
    """One message of a body."""

    role: str
    text: str = ""


class Body(BaseModel):
    """The body that the parsing scenarios send."""

    model_config = ConfigDict(extra="forbid")

    messages: list[Message]
    model: str
    meta: dict[str, int] = {}


class Unprintable(Exception):
    """An exception whose text cannot be had."""

    def __str__(self) -> str:
        msg = "no text"
        raise RuntimeError(msg)


@dataclass(frozen=True)
class Raises:
    """The view raises what `make` makes."""

    make: Callable[[], BaseException]


@dataclass(frozen=True)
class Answers:
    """The view returns this answer."""

    status: int
    content_type: str | None
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Streams:
    """The view returns a stream of these chunks, which then raises what `make` makes."""

    content_type: str
    chunks: tuple[bytes, ...]
    make: Callable[[], BaseException] | None


@dataclass(frozen=True)
class Parses:
    """The view parses its request's body as `Body` and answers 200 `{}`."""


@dataclass(frozen=True)
class Nowhere:
    """No route leads to a view."""


@dataclass(frozen=True)
class Refuses:
    """The framework refuses the method: the route takes GET alone."""


Act = Raises | Answers | Streams | Parses | Nowhere | Refuses


@dataclass(frozen=True)
class Scenario:
    """One request and the answer that every stack must give to it."""

    name: str
    act: Act
    status: int
    type: str = ""
    code: str = ""
    message: str = ""
    param: str | None = None
    method: str = "GET"
    body: bytes = b""
    request_headers: tuple[tuple[str, str], ...] = ()
    headers: dict[str, str] = field(default_factory=dict)
    """Header fields that the answer must have, by lower-case name."""
    absent: tuple[str, ...] = ()
    """Header fields that it must not have."""
    cut: bool = False
    """Whether the client must see that the answer was cut short."""
    kept: bool = False
    """Whether the answer must be the view's own, with the id: another protocol's error."""


def _cycle() -> Exception:
    first, second = ValueError("kaiko_live_abcdef"), KeyError("b")
    first.__cause__, second.__cause__ = second, first
    return first


_INVALID = "invalid_request_error"
_SERVER = "server_error"
_INTERNAL = (_SERVER, "internal", "Unexpected server error")
_JSON = "application/json"

_RAISED = (
    Scenario(
        "typed-404",
        Raises(lambda: ContextNotFound("Context 'ctx_1' has expired")),
        404,
        "not_found_error",
        "scenario_context_not_found",
        "Context 'ctx_1' has expired",
        "context_id",
        headers={"x-should-retry": "false", "cache-control": "no-store"},
    ),
    Scenario(
        "class-message",
        Raises(Sealed),
        409,
        "conflict_error",
        "scenario_sealed",
        "The context is sealed",
    ),
    Scenario(
        "lazy-message",
        Raises(lambda: Sealed(Lazy("Sealed"), param=Lazy("name"))),
        409,
        "conflict_error",
        "scenario_sealed",
        "Sealed, in your language",
        "name, in your language",
    ),
    Scenario(
        "numbers-that-say-nothing",
        Raises(lambda: RateLimitError(retry_after=float("nan"), limit=-1, remaining=0)),
        429,
        "rate_limit_error",
        "too_many_requests",
        "Too many requests",
        headers={"x-ratelimit-remaining": "0"},
        absent=("retry-after", "x-ratelimit-limit"),
    ),
    Scenario(
        "typed-400",
        Raises(lambda: InvalidRequestError("Bad", code="odd_thing", param="limit")),
        400,
        _INVALID,
        "odd_thing",
        "Bad",
        "limit",
    ),
    Scenario(
        "missing-field",
        Raises(lambda: MissingFieldError("messages")),
        400,
        _INVALID,
        "missing_field",
        "The 'messages' field is required",
        "messages",
    ),
    Scenario(
        "typed-401",
        Raises(lambda: AuthenticationError("Unknown key kaiko_live_abcdef0123")),
        401,
        "authentication_error",
        "invalid_api_key",
        "Unknown key kaiko_live_***",
        headers={"www-authenticate": "ApiKey"},
    ),
    Scenario(
        "own-challenge",
        Raises(lambda: AuthenticationError(headers={"WWW-Authenticate": 'Basic realm="x"'})),
        401,
        "authentication_error",
        "invalid_api_key",
        "Missing or invalid API key",
        headers={"www-authenticate": 'Basic realm="x"'},
    ),
    Scenario(
        "typed-403",
        Raises(lambda: ForbiddenError("The key is revoked", code="key_revoked")),
        403,
        "forbidden_error",
        "key_revoked",
        "The key is revoked",
    ),
    Scenario(
        "typed-409",
        Raises(lambda: ConflictError(code="duplicate_id", param="messages[1].external_id")),
        409,
        "conflict_error",
        "duplicate_id",
        "The request conflicts with the state of the resource",
        "messages[1].external_id",
    ),
    Scenario(
        "typed-410", Raises(Gone), 410, "not_found_error", "scenario_gone", "The resource is gone"
    ),
    Scenario(
        "typed-413",
        Raises(PayloadTooLargeError),
        413,
        _INVALID,
        "payload_too_large",
        "The request body is too large",
    ),
    Scenario(
        "typed-422",
        Raises(lambda: InvalidValueError("No such role", param="messages[0].role")),
        422,
        _INVALID,
        "invalid_role",
        "No such role",
        "messages[0].role",
    ),
    Scenario(
        "typed-429",
        Raises(lambda: RateLimitError(retry_after=1.2, limit=10, remaining=0, reset=59.1)),
        429,
        "rate_limit_error",
        "too_many_requests",
        "Too many requests",
        headers={
            "retry-after": "2",
            "x-ratelimit-limit": "10",
            "x-ratelimit-remaining": "0",
            "x-ratelimit-reset": "60",
            "x-should-retry": "true",
        },
    ),
    Scenario(
        "typed-500",
        Raises(lambda: ServerError(retryable=False)),
        500,
        *_INTERNAL,
        headers={"x-should-retry": "false"},
    ),
    Scenario(
        "typed-503",
        Raises(lambda: ServiceUnavailableError(retry_after=30)),
        503,
        _SERVER,
        "service_unavailable",
        "The service is temporarily unavailable",
        headers={"retry-after": "30"},
    ),
    Scenario("base-error", Raises(KaikoError), 500, *_INTERNAL),
    Scenario(
        "unmapped",
        Raises(lambda: ValueError("secret kaiko_live_abcdef")),
        500,
        *_INTERNAL,
        headers={"x-should-retry": "true", "cache-control": "no-store"},
    ),
    Scenario("unprintable", Raises(Unprintable), 500, *_INTERNAL),
    Scenario("recursion", Raises(RecursionError), 500, *_INTERNAL),
    Scenario("memory", Raises(MemoryError), 500, *_INTERNAL),
    Scenario("cycle", Raises(_cycle), 500, *_INTERNAL),
    Scenario("timeout", Raises(TimeoutError), 503, _SERVER, "timeout", "The operation timed out"),
    Scenario(
        "group-unmapped",
        Raises(lambda: ExceptionGroup("g", [NotFoundError(), ExceptionGroup("h", [OSError("x")])])),
        500,
        *_INTERNAL,
    ),
    Scenario(
        "group-of-typed",
        Raises(
            lambda: ExceptionGroup(
                "g", [NotFoundError(), ExceptionGroup("h", [ServiceUnavailableError("down")])]
            )
        ),
        503,
        _SERVER,
        "service_unavailable",
        "down",
    ),
    Scenario(
        "group-of-4xx",
        Raises(lambda: ExceptionGroup("g", [ConflictError("first"), NotFoundError("second")])),
        409,
        "conflict_error",
        "conflict",
        "first",
    ),
    Scenario(
        "hostile-message",
        Raises(lambda: NotFoundError("\ud800\x00\u2028" + "x" * 5000)),
        404,
        "not_found_error",
        "not_found",
        "\ufffd\x00\u2028" + "x" * 1021,
    ),
    Scenario(
        "hostile-header",
        Raises(lambda: NotFoundError(headers={"X-Bad": "a\r\nSet-Cookie: x=y", "X-Good": "a"})),
        404,
        "not_found_error",
        "not_found",
        "The resource was not found",
        headers={"x-good": "a"},
        absent=("x-bad", "set-cookie"),
    ),
    Scenario(
        "head",
        Raises(lambda: NotFoundError("Nothing")),
        404,
        method="HEAD",
        headers={"x-should-retry": "false", "content-type": _JSON},
    ),
)

_ANSWERED = (
    Scenario("ok", Answers(200, _JSON, b'{"ok":true}'), 200, absent=("x-should-retry",)),
    Scenario("no-content", Answers(204, None, b""), 204),
    Scenario(
        "redirect",
        Answers(302, None, b"", (("Location", "/there"),)),
        302,
        headers={"location": "/there"},
    ),
    Scenario(
        "not-modified", Answers(304, None, b"", (("ETag", '"a"'),)), 304, headers={"etag": '"a"'}
    ),
    Scenario(
        "detail",
        Answers(404, _JSON, b'{"detail":"No such thing"}'),
        404,
        "not_found_error",
        "not_found",
        "No such thing",
    ),
    Scenario(
        "phrase",
        Answers(422, _JSON, b'{"detail":"Unprocessable Entity"}'),
        422,
        _INVALID,
        "invalid_value",
        "A field has an invalid value",
    ),
    Scenario(
        "plain-text",
        Answers(409, "text/plain; charset=utf-8", "schon vergeben é".encode()),
        409,
        "conflict_error",
        "conflict",
        "schon vergeben é",
    ),
    Scenario(
        "html",
        Answers(403, "text/html", b"<h1>Forbidden</h1>"),
        403,
        "forbidden_error",
        "permission_denied",
        "The API key does not permit this",
    ),
    Scenario(
        "problem-json",
        Answers(
            400,
            "application/problem+json",
            b'{"type":"about:blank","title":"T","detail":"Too old"}',
        ),
        400,
        _INVALID,
        "bad_request",
        "Too old",
    ),
    Scenario(
        "openai-shape",
        Answers(
            404,
            _JSON,
            b'{"error":{"message":"No model x","type":"invalid_request_error",'
            b'"param":"model","code":"model_not_found"}}',
        ),
        404,
        "not_found_error",
        "model_not_found",
        "No model x",
        "model",
    ),
    Scenario(
        "anthropic-shape",
        Answers(
            404,
            _JSON,
            b'{"type":"error","error":{"type":"not_found_error","message":"model: x"},'
            b'"request_id":"r"}',
        ),
        404,
        "not_found_error",
        "not_found",
        "model: x",
    ),
    Scenario(
        "google-shape",
        Answers(
            429,
            _JSON,
            b'{"error":{"code":429,"message":"Slow down","status":"RESOURCE_EXHAUSTED"}}',
        ),
        429,
        "rate_limit_error",
        "too_many_requests",
        "Slow down",
        headers={"x-should-retry": "true"},
    ),
    Scenario(
        "envelope",
        Answers(
            404,
            _JSON,
            b'{"error":{"type":"not_found_error","code":"own_code","message":"Mine",'
            b'"param":"p","request_id":"other"}}',
        ),
        404,
        "not_found_error",
        "own_code",
        "Mine",
        "p",
    ),
    Scenario(
        "envelope-of-another-type",
        Answers(
            500,
            _JSON,
            b'{"error":{"type":"api_error","code":"own_code","message":"10.0.0.7 refused",'
            b'"param":"p","request_id":"other"}}',
        ),
        500,
        *_INTERNAL,
    ),
    Scenario(
        "falcon-shape",
        Answers(409, _JSON, b'{"title":"409 Conflict","description":"The id is taken"}'),
        409,
        "conflict_error",
        "conflict",
        "The id is taken",
    ),
    Scenario(
        "validators-echo",
        Answers(400, _JSON, b"{\"detail\":\"'s3cret' is not of type 'integer'\"}"),
        400,
        _INVALID,
        "bad_request",
        "The request is invalid",
    ),
    Scenario(
        "detail-object",
        Answers(409, _JSON, b'{"detail":{"code":"taken","message":"Taken","param":"id"}}'),
        409,
        "conflict_error",
        "taken",
        "Taken",
        "id",
    ),
    Scenario(
        "detail-of-odd-types",
        Answers(422, _JSON, b'{"detail":[{"loc":["body","a"],"type":{},"msg":[]}]}'),
        422,
        _INVALID,
        "invalid_value",
        "The request body has an invalid value",
    ),
    Scenario(
        "limits-as-points-in-time",
        Answers(
            429,
            _JSON,
            b'{"error":"Rate limit exceeded"}',
            (
                ("X-RateLimit-Limit", "1"),
                ("X-RateLimit-Reset", "1700000000.5"),
                ("Retry-After", "Tue, 14 Nov 2023 22:13:30 GMT"),
            ),
        ),
        429,
        "rate_limit_error",
        "too_many_requests",
        "Rate limit exceeded",
        headers={"x-ratelimit-limit": "1", "x-ratelimit-reset": "0", "retry-after": "0"},
    ),
    Scenario("text-on-500", Answers(500, "text/plain", b"secret stack"), 500, *_INTERNAL),
    Scenario(
        "bad-gateway",
        Answers(502, "text/html", b"<h1>nginx</h1>"),
        503,
        _SERVER,
        "service_unavailable",
        "The service is temporarily unavailable",
    ),
    Scenario(
        "not-implemented",
        Answers(501, "text/plain", b"nope"),
        500,
        *_INTERNAL,
        headers={"x-should-retry": "false"},
    ),
    Scenario(
        "empty-503",
        Answers(503, None, b"", (("Retry-After", "7"),)),
        503,
        _SERVER,
        "service_unavailable",
        "The service is temporarily unavailable",
        headers={"retry-after": "7"},
    ),
    Scenario(
        "kept-and-gone",
        Answers(
            410,
            "text/plain",
            b"Moved away for good",
            (
                ("ETag", '"a"'),
                ("Last-Modified", "Wed, 21 Oct 2015 07:28:00 GMT"),
                ("Content-Language", "de"),
                ("Set-Cookie", "a=b"),
                ("X-Own", "1"),
                ("Cache-Control", "private"),
            ),
        ),
        410,
        "not_found_error",
        "gone",
        "Moved away for good",
        headers={"x-own": "1", "cache-control": "private"},
        absent=("etag", "last-modified", "content-language"),
    ),
    Scenario(
        "cors",
        Answers(
            404,
            "text/plain",
            b"Nothing here",
            (
                ("Access-Control-Allow-Origin", "*"),
                ("Access-Control-Expose-Headers", "X-Own"),
            ),
        ),
        404,
        "not_found_error",
        "not_found",
        "Nothing here",
        headers={
            "access-control-expose-headers": "X-Own, X-Request-ID, X-Should-Retry, Cache-Control, "
            "Retry-After, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, "
            "WWW-Authenticate"
        },
    ),
    Scenario("own-id", Answers(200, _JSON, b"{}", (("X-Request-ID", "mine"),)), 200),
    Scenario(
        "large",
        Answers(400, "text/plain", b"x" * 70_000),
        400,
        _INVALID,
        "bad_request",
        "The request is invalid",
    ),
    Scenario(
        "nowhere",
        Nowhere(),
        404,
        "not_found_error",
        "not_found",
        "The resource was not found",
    ),
    Scenario(
        "refused-method",
        Refuses(),
        405,
        _INVALID,
        "method_not_allowed",
        "The method is not allowed for this resource",
        method="DELETE",
    ),
)


def _parse(
    name: str, body: bytes, status: int, code: str, message: str, *, param: str | None = None
) -> Scenario:
    return Scenario(
        name, Parses(), status, _INVALID, code, message, param, method="POST", body=body
    )


_PARSED = (
    Scenario(
        "parsed", Parses(), 200, method="POST", body=b'{"messages":[{"role":"user"}],"model":"m"}'
    ),
    _parse(
        "absent-field",
        b"{}",
        400,
        "missing_field",
        "The 'messages' field is required (and 1 more: model)",
        param="messages",
    ),
    _parse(
        "bad-leaf",
        b'{"messages":[{"role":7}],"model":"m"}',
        422,
        "invalid_role",
        "The 'messages[0].role' field has an invalid value",
        param="messages[0].role",
    ),
    _parse(
        "mapping-key",
        b'{"messages":[],"model":"m","meta":{"kaiko_live_abc":"x"}}',
        422,
        "invalid_meta",
        "The 'meta[*]' field has an invalid value",
        param="meta[*]",
    ),
    _parse(
        "unknown-field",
        b'{"messages":[],"model":"m","extra":1}',
        400,
        "unknown_field",
        "The request body has a field that is not allowed",
    ),
    _parse("bad-json", b'{"messages":', 400, "invalid_json", "The request body is not valid JSON"),
    _parse("not-utf8", b"\xff\xfe", 400, "invalid_json", "The request body is not valid JSON"),
    _parse("deep-json", b"[" * 100_000, 400, "invalid_json", "The request body is not valid JSON"),
    _parse("no-body", b"", 400, "missing_body", "A request body is required"),
)

_SSE = "text/event-stream"
_LINES = "application/x-ndjson"


def _boom() -> Exception:
    return ValueError("secret")


_STREAMED = (
    Scenario("stream-ok", Streams("text/plain", (b"a", b"b"), None), 200),
    Scenario("events-ok", Streams(_SSE, (b"data: 1\n\n", b"data: 2\n\n"), None), 200),
    Scenario("stream-fails-first", Streams("text/plain", (), _boom), 500, *_INTERNAL),
    Scenario(
        "stream-fails-first-typed",
        Streams(_LINES, (), lambda: NotFoundError("Nothing")),
        404,
        "not_found_error",
        "not_found",
        "Nothing",
    ),
    Scenario("events-fail", Streams(_SSE, (b"data: 1\n\n",), _boom), 200),
    Scenario("events-fail-at-once", Streams(_SSE, (), _boom), 200),
    Scenario("events-fail-halfway", Streams(_SSE, (b"data: 1\n\n", b"data: {"), _boom), 200),
    Scenario(
        "events-fail-typed",
        Streams(_SSE, (b"data: 1\n",), lambda: ServiceUnavailableError("The model is down")),
        200,
    ),
    Scenario("lines-fail", Streams(_LINES, (b'{"a":1}\n', b'{"b"'), _boom), 200),
    Scenario("jsonl-fail", Streams("application/jsonl", (b'{"a":1}\n',), _boom), 200),
    Scenario("text-fails", Streams("text/plain", (b"a",), _boom), 200, cut=True),
    Scenario("text-fails-typed", Streams("text/plain", (b"a",), NotFoundError), 200, cut=True),
)

_FORM = (("Content-Type", "application/x-www-form-urlencoded"),)
_CONNECT = (("Content-Type", "application/json"), ("Connect-Protocol-Version", "1"))
_RPC = b'{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"no order 7"}}'
_FAULT = b'<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"><e:Body><e:Fault/>'


def _kept(
    name: str,
    act: Answers,
    method: str = "GET",
    request_headers: tuple[tuple[str, str], ...] = (),
    **headers: str,
) -> Scenario:
    body = b"a=b" if method == "POST" else b""
    return Scenario(
        name,
        act,
        act.status,
        method=method,
        body=body,
        request_headers=request_headers,
        headers={name.replace("_", "-"): value for name, value in headers.items()},
        absent=("x-should-retry", "www-authenticate"),
        kept=True,
    )


_KEPT = (
    _kept("json-rpc", Answers(404, _JSON, _RPC)),
    _kept(
        "json-rpc-500", Answers(500, _JSON, _RPC, (("Retry-After", "soon"),)), retry_after="soon"
    ),
    _kept(
        "json-rpc-encoded",
        Answers(
            400,
            _JSON,
            gzip.compress(_RPC, mtime=0),
            (("Content-Encoding", "gzip"), ("ETag", '"a"')),
        ),
        content_encoding="gzip",
        etag='"a"',
    ),
    _kept(
        "oauth",
        Answers(401, _JSON, b'{"error":"invalid_client"}', (("Access-Control-Allow-Origin", "*"),)),
        "POST",
        _FORM,
    ),
    _kept(
        "registration", Answers(400, _JSON, b'{"error":"invalid_redirect_uri"}'), "POST", _CONNECT
    ),
    _kept("connect", Answers(503, _JSON, b'{"code":"unavailable"}'), "POST", _CONNECT),
    _kept("soap", Answers(500, "application/soap+xml", _FAULT)),
    Scenario(
        "oauth-word-to-json",
        Answers(400, _JSON, b'{"error":"invalid_request","error_description":"No such model"}'),
        400,
        _INVALID,
        "invalid_request",
        "No such model",
        method="POST",
        body=b"{}",
        request_headers=(("Content-Type", "application/json"),),
    ),
)

SCENARIOS: tuple[Scenario, ...] = (*_RAISED, *_ANSWERED, *_PARSED, *_STREAMED, *_KEPT)
BY_NAME: dict[str, Scenario] = {scenario.name: scenario for scenario in SCENARIOS}
