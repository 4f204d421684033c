"""How a service breaks each clause: one thing that is wrong in right answers.

A row is the clause, the stacks, what is wrong, and the clauses that cannot but break with it.
"""

from __future__ import annotations

import gzip
import itertools
import json
from typing import TYPE_CHECKING, NamedTuple

from check.right_services import ORIGIN
from kaiko_middleware import (
    AuthenticationError,
    ForbiddenError,
    InvalidRequestError,
    InvalidValueError,
    MissingFieldError,
    PayloadTooLargeError,
    ServerError,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from check.broken import Exchange

    Spoil = Callable[[Exchange], None]

MARK = "kaiko-check-7d3f"
HEADER = "X-Request-ID"


class Row(NamedTuple):
    clause: str
    make: Callable[[], Spoil]
    """Makes a spoiler, with a memory of its own."""
    also: frozenset[str] = frozenset()


ROWS: dict[str, Row] = {}
CORS: set[str] = set()
"""The clauses that only a service with CORS can break."""


def row(clause: str, *also: str) -> Callable[[Callable[[], Spoil]], Callable[[], Spoil]]:
    def add(make: Callable[[], Spoil]) -> Callable[[], Spoil]:
        assert clause not in ROWS
        ROWS[clause] = Row(clause, make, frozenset(also))
        return make

    return add


def on(clause: str, when: Callable[[Exchange], bool], spoil: Spoil, *also: str) -> None:
    """Add a row whose spoiler remembers nothing."""

    def spoiler(exchange: Exchange) -> None:
        if when(exchange):
            spoil(exchange)

    assert clause not in ROWS
    ROWS[clause] = Row(clause, lambda: spoiler, frozenset(also))
    if clause.startswith("cors."):
        CORS.add(clause)


def each(*spoils: Callable[[Exchange], object]) -> Spoil:
    """Spoil several things."""

    def spoil(exchange: Exchange) -> None:
        for one in spoils:
            one(exchange)

    return spoil


# --- where -----------------------------------------------------------------------------


def errors(x: Exchange) -> bool:
    return x.status >= 400


def refused(x: Exchange) -> bool:
    """A 401, of which nothing but the envelope is expected."""
    return x.status == 401


def unknown(x: Exchange) -> bool:
    return x.status == 404


def accepting(what: str) -> Callable[[Exchange], bool]:
    return lambda x: what in x.asked.get("accept", "")


def posting(body: bytes) -> Callable[[Exchange], bool]:
    return lambda x: x.method == "POST" and x.sent.startswith(body)


def failing_for_browsers(x: Exchange) -> bool:
    return x.status >= 400 and x.asked.get("origin") == ORIGIN


odd = accepting("image/x-kaiko")  # a request of the known path, of which nothing is expected

# --- 1: the envelope -------------------------------------------------------------------

on("envelope.json", errors, lambda x: x.write(b"{'error': 1}"))
on("envelope.empty", errors, lambda x: x.write(b""))
on("envelope.portable", errors, lambda x: x.write(b"\xef\xbb\xbf" + x.body))
on("envelope.shape", errors, lambda x: x.write(b'{"detail":"Not Found"}'))
on("envelope.beside", errors, lambda x: x.write(x.body[:-1] + b',"trace":1}'))
on("envelope.members", refused, lambda x: x.edit(code=...), "code.pattern")
on("envelope.param", errors, lambda x: x.edit(param=...))
on("envelope.more", errors, lambda x: x.edit(details=[]))
on(
    "envelope.order",
    errors,
    lambda x: x.write(json.dumps({"error": dict(reversed(x.error.items()))}).encode()),
)
on("envelope.content-type", errors, lambda x: x.set("Content-Type", "application/problem+json"))
on("envelope.content-length", errors, lambda x: x.drop("content-length"))
on("head.status", lambda x: x.method == "HEAD" and unknown(x), lambda x: setattr(x, "status", 200))
on(
    "head.headers",
    lambda x: x.method == "HEAD" and unknown(x),
    lambda x: x.set("Content-Length", "7"),
)
on("type.closed", errors, lambda x: x.edit(type="validation_error"))
on("code.pattern", refused, lambda x: x.edit(code="InvalidKey"))
on("message.text", errors, lambda x: x.edit(message=" "))
on("message.length", errors, lambda x: x.edit(message="far too long " * 100))

# --- 2: the rows -----------------------------------------------------------------------

on("type.status", errors, lambda x: x.edit(type="conflict_error"))
on("code.meaning", refused, lambda x: x.edit(code="payload_too_large"))


def _one_code(x: Exchange) -> None:
    if "%ff" in x.target and x.status < 400:
        x.answer(InvalidRequestError(), code="gadget_lost")
    elif x.status == 401:
        x.edit(code="gadget_lost")


on("code.one-status", lambda _: True, _one_code)

# --- 3: other statuses -----------------------------------------------------------------


def _status(status: int) -> Spoil:
    def spoil(x: Exchange) -> None:
        x.answer(ServerError(), code="gateway_down")
        x.status = status

    return spoil


on("status.folded", odd, _status(502))
on("status.valid", odd, _status(600))
on("status.code", unknown, lambda x: x.edit(code="nothing_here"))
on("message.phrase", unknown, lambda x: x.edit(message="Not Found"))

# --- 4: headers ------------------------------------------------------------------------

on("id.header", errors, lambda x: x.drop("x-request-id"))
on("id.on-success", lambda x: x.status < 300, lambda x: x.drop("x-request-id"))


def _redirect(x: Exchange) -> None:
    x.status, x.headers, x.body = 307, [("Location", "/items"), ("Content-Length", "0")], b""


on("id.on-redirect", lambda x: x.target == "/items/", _redirect)
on("id.once", errors, lambda x: x.headers.append((HEADER, x.get("x-request-id"))))
on("id.same", errors, lambda x: x.edit(request_id="req-0123456789"))
on("retry.header", errors, lambda x: x.drop("x-should-retry"))
on("retry.row", unknown, lambda x: x.set("X-Should-Retry", "true"))
on("cache.control", errors, lambda x: x.drop("cache-control"))
on("retry-after.seconds", errors, lambda x: x.set("Retry-After", "Wed, 01 Jan 2031 00:00:00 GMT"))
on("rate-limit.number", errors, lambda x: x.set("X-RateLimit-Remaining", "none"))
on("rate-limit.delta", errors, lambda x: x.set("X-RateLimit-Reset", "1924988400"))
on("auth.challenge", refused, lambda x: x.drop("www-authenticate"))
on("stale.validators", errors, lambda x: x.set("ETag", '"1"'))
on("stale.description", errors, lambda x: x.set("Content-Language", "de"))
on("headers.legal", errors, lambda x: x.set("X-Trace", "a\x01b"))


def _zip(x: Exchange) -> None:
    x.write(gzip.compress(x.body))
    x.set("Content-Encoding", "gzip")
    x.set("Vary", "Accept-Encoding")


def _zip_for_all(x: Exchange) -> None:
    if "gzip" in x.asked.get("accept-encoding", ""):
        x.set("Vary", "Accept-Encoding")
    _zip(x)


on("stale.coding", errors, _zip_for_all)
on(
    "coding.readable",
    lambda x: errors(x) and "gzip" in x.asked.get("accept-encoding", ""),
    each(lambda x: x.set("Content-Encoding", "gzip"), lambda x: x.set("Vary", "Accept-Encoding")),
)
on(
    "coding.vary",
    lambda x: errors(x) and "gzip" in x.asked.get("accept-encoding", ""),
    each(_zip, lambda x: x.drop("vary")),
)
on("cors.exposed", failing_for_browsers, lambda x: x.drop("access-control-expose-headers"))
on(
    "cors.on-errors",
    failing_for_browsers,
    lambda x: x.drop("access-control-allow-origin", "access-control-expose-headers"),
)
on(
    "cors.preflight",
    lambda x: "access-control-request-method" in x.asked,
    lambda x: x.answer(AuthenticationError()),
)
on(
    "cors.credentials",
    failing_for_browsers,
    each(
        lambda x: x.set("Access-Control-Allow-Origin", "*"),
        lambda x: x.set("Access-Control-Allow-Credentials", "true"),
    ),
)
on(
    "cors.once",
    failing_for_browsers,
    lambda x: x.headers.append(("Access-Control-Allow-Origin", "*")),
)
on("cors.vary", failing_for_browsers, lambda x: x.drop("vary"))

# --- 5: request ids --------------------------------------------------------------------

on(
    "id.alphabet",
    errors,
    lambda x: x.set(HEADER, f"{x.get('x-request-id')} 1"),
    "id.form",
    "id.same",
)
on("id.in-body", errors, lambda x: x.edit(request_id=None))
on(
    "id.form",
    lambda _: True,
    lambda x: x.identify("5f2b-" + x.get("x-request-id").removeprefix("req-")),
)
on(
    "id.unique",
    lambda x: x.status == 200 and x.target == "/items" and x.method == "GET",
    lambda x: x.identify("req-0123456789"),
)


@row("id.concurrent")
def _concurrent() -> Spoil:
    """A global variable: who comes while others are there gets their id."""
    numbers = itertools.count(1)

    def spoil(x: Exchange) -> None:
        plain = x.asked.get("accept") == "application/json" and "x-request-id" not in x.asked
        identity = x.asked.get("accept-encoding") == "identity"
        usual = len(x.asked) <= 5 and x.target.endswith("no-such-path") and x.method == "GET"
        if plain and identity and usual and "origin" not in x.asked and next(numbers) > 4:
            x.identify("req-0123456789")

    return spoil


def _inbound(x: Exchange) -> str:
    return x.asked.get("x-request-id", "")


on("id.ignored", lambda x: "inbound:1" in _inbound(x), lambda x: x.identify(_inbound(x)))
on(
    "id.hostile",
    lambda x: "<script>" in _inbound(x),
    lambda x: x.identify(_inbound(x)),
    "id.alphabet",
    "id.in-body",
)
on("id.refused", lambda x: "<script>" in _inbound(x), lambda x: x.answer(InvalidRequestError()))
on("id.twice", lambda x: "second" in _inbound(x), lambda x: x.identify("kaiko-check-second"))
on(
    "id.key",
    lambda x: "kaiko_test_" in _inbound(x),
    lambda x: x.identify(_inbound(x)),
    "leak.key",
)


@row("id.stays")
def _stays() -> Spoil:
    """A thread that remembers: the id of the request before is on the next one."""
    kept: list[str] = []

    def spoil(x: Exchange) -> None:
        inbound = _inbound(x)
        if inbound:
            kept[:] = [inbound] if "inbound:1" in inbound else kept
        elif kept:
            x.identify(kept.pop())

    return spoil


# --- 6: messages -----------------------------------------------------------------------

on("leak.inside", odd, lambda x: x.answer(ServerError(), message="KeyError: 'name'"))
on("leak.traceback", refused, lambda x: x.edit(message='File "shop.py", line 3'))
on(
    "leak.debug",
    refused,
    lambda x: x.edit(message="Error: boom\n    at next (/srv/node_modules/router/index.js:3:5)"),
)
on("leak.key", refused, lambda x: x.edit(message="There is no key sk-0123456789abcdefghij"))
on(
    "leak.echo",
    lambda x: x.status in {400, 422} and MARK.encode() in x.sent,
    lambda x: x.edit(message=f"What is {x.sent.decode()[:100]}?"),
)
on("param.length", refused, lambda x: x.edit(param="key" * 100))
on("param.control", refused, lambda x: x.edit(param="a\nb"))

# --- 7: validation ---------------------------------------------------------------------

on(
    "body.json",
    posting(b'{"kaiko": ['),
    lambda x: x.answer(InvalidRequestError(), code="bad_request"),
)
on(
    "body.missing",
    lambda x: x.method == "POST" and not x.sent and x.status < 405,
    lambda x: x.answer(InvalidValueError()),
)
on(
    "body.too-large",
    lambda x: len(x.sent) > 10**6,
    lambda x: x.answer(PayloadTooLargeError(), code="too_big"),
)


def _wrong_media(x: Exchange) -> None:
    x.answer(InvalidRequestError(), code="wrong_type")
    x.status = 415


on("body.media-type", lambda x: "text/plain" in x.asked.get("content-type", ""), _wrong_media)
on(
    "client.no-500",
    lambda x: "%ff" in x.target and x.status < 400,
    lambda x: x.answer(ServerError()),
)

# --- 8: exceptions and answers ---------------------------------------------------------

on("route.unknown", unknown, lambda x: x.answer(InvalidRequestError()))
on("method.status", lambda x: x.method == "TRACE", lambda x: x.answer(ServerError()))


def _not_allowed(x: Exchange) -> None:
    x.answer(InvalidRequestError(), code="method_not_allowed")
    x.status = 405


on("method.allow", lambda x: x.method == "TRACE", _not_allowed)


def _page(x: Exchange) -> None:
    x.write(b"<h1>Not Found</h1>")
    x.set("Content-Type", "text/html")


on(
    "accept.any",
    lambda x: unknown(x) and "text/html" in x.asked.get("accept", ""),
    _page,
    "envelope.json",
    "envelope.content-type",
)
on("host.bad", lambda x: "invalid" in x.asked.get("host", ""), lambda x: x.answer(ServerError()))
on("auth.status", refused, lambda x: x.answer(ForbiddenError()))

# --- 7, by the OpenAPI document --------------------------------------------------------

BY_DOCUMENT: dict[str, Row] = {}


def by_document(clause: str, when: Callable[[Exchange], bool], spoil: Spoil) -> None:
    on(clause, when, spoil)
    BY_DOCUMENT[clause] = ROWS.pop(clause)


by_document(
    "field.missing",
    lambda x: x.sent == b"{}" and x.asked.get("content-type") == "application/json",
    lambda x: x.answer(MissingFieldError("nome")),
)
by_document(
    "field.value",
    lambda x: x.sent.startswith(b'{"name": {'),
    lambda x: x.answer(InvalidRequestError()),
)
by_document(
    "field.parameter",
    lambda x: f"limit={MARK}" in x.target,
    lambda x: x.answer(InvalidRequestError(), param="limit"),
)

# --- 8: streams ------------------------------------------------------------------------

STREAMS: dict[str, Row] = {}


def stream(clause: str, spoil: Spoil) -> None:
    STREAMS[clause] = Row(clause, lambda: lambda x: spoil(x) if x.target == "/events" else None)


def _frame(x: Exchange, **members: object) -> bytes:
    error = {
        "type": "server_error",
        "code": "internal",
        "message": "Unexpected server error",
        "param": None,
        "request_id": x.get("x-request-id"),
        **members,
    }
    return b"event: error\ndata: " + json.dumps({"error": error}).encode() + b"\n\n"


stream("stream.id", lambda x: x.drop("x-request-id"))
stream("stream.ended", lambda x: setattr(x, "body", x.body.rstrip()))
stream("stream.envelope", lambda x: setattr(x, "body", b'event: error\ndata: {"detail": "x"}\n\n'))
stream("stream.last", lambda x: setattr(x, "body", _frame(x) + b"data: 3\n\n"))
stream("stream.same-id", lambda x: setattr(x, "body", _frame(x, request_id="req-0123456789")))
