"""The errors that our clients raise: the very classes that the upstream raised."""

from __future__ import annotations

import gzip
import inspect
import json
from traceback import format_exception_only
from typing import Any

import httpx2
import pytest
from httpx2 import UnsupportedProtocol

from adapters.httpx.scripted import Answer, Scripted, Step
from adapters.httpx.ways import Called, Way, our_clients
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
    render,
)
from kaiko_middleware.upstream import Upstream

PEER = {"upstream": Upstream("peer", trust="peer", credential="forwarded")}
OPAQUE = {"upstream": Upstream("opaque")}
LLM = {"upstream": Upstream("llm", trust="llm")}


class LedgerSealed(ConflictError, code="ledger_sealed_in_httpx_tests", param="ledger_id"):
    """A code of a service's own."""


ERRORS: list[KaikoError] = [
    InvalidRequestError("Choose one of the two"),
    MissingFieldError("messages"),
    AuthenticationError("No such key"),
    ForbiddenError("Not yours"),
    NotFoundError("No such model"),
    ConflictError("Twice"),
    LedgerSealed("The ledger is sealed"),
    PayloadTooLargeError("Too much"),
    InvalidValueError("No such role", param="messages[0].role"),
    RateLimitError("Slower", retry_after=3),
    ServerError("Broken"),
    ServiceUnavailableError("Later", retry_after=2),
]


def said(error: KaikoError) -> Answer:
    """Return what a server of this toolkit answers."""
    reply = render(error, "req-7f65ab21d1")
    return Answer(reply.status, (reply.body,), reply.headers)


def raised(way: Way, *script: Step, policy: dict[str, Any], method: str = "GET") -> Called:
    """Call with a client that raises."""
    return way.call(Scripted(*script), method, policy=policy, raise_errors=True)


def error_of(called: Called) -> KaikoError:
    """Return the typed error that a call raised."""
    assert isinstance(called.error, KaikoError)
    return called.error


@our_clients
@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_what_a_peer_raised_is_what_its_caller_gets(way: Way, error: KaikoError) -> None:
    """The same class on both sides, a service's own included, with all it says."""
    got = error_of(raised(way, said(error), policy=PEER))
    # Another test may know a class of its own for a code of the rows.
    assert isinstance(got, type(error))
    assert (got.message, got.code, got.param) == (error.message, error.code, error.param)
    assert (got.retryable, got.retry_after) == (error.retryable, error.retry_after)
    assert got.upstream is not None
    assert (got.upstream.name, got.upstream.request_id) == ("peer", "req-7f65ab21d1")


@our_clients
def test_a_peer_may_compress_what_it_says(way: Way) -> None:
    """Proxies do."""
    status, (body,), headers, *_ = said(LedgerSealed("The ledger is sealed"))
    assert isinstance(body, bytes)
    packed = gzip.compress(body)
    fields = [pair for pair in headers if pair[0].lower() != "content-length"]
    answer = Answer(status, (packed,), (*fields, ("Content-Encoding", "gzip")))
    assert type(raised(way, answer, policy=PEER).error) is LedgerSealed


@our_clients
def test_a_peers_error_is_raised_after_the_retries_only(way: Way) -> None:
    """And not at all where one of them goes well."""
    busy = said(ServiceUnavailableError("Later"))
    assert raised(way, busy, busy, 200, policy=PEER).outcome == 200
    assert raised(way, busy, policy=PEER).attempts == 3
    assert raised(way, said(NotFoundError("None")), policy=PEER).attempts == 1


@our_clients
def test_a_peer_that_does_not_want_to_be_asked_again_is_not(way: Way) -> None:
    """A bug of the peer's says so, and its caller's caller hears it."""
    called = raised(way, said(ServerError("Broken", retryable=False)), 200, policy=PEER)
    assert called.attempts == 1
    assert not error_of(called).retryable


@our_clients
@pytest.mark.parametrize(
    ("status", "cls"),
    [
        (302, ServerError),
        (400, ServerError),
        (401, ServerError),
        (404, ServerError),
        (429, RateLimitError),
        (500, ServiceUnavailableError),
        (501, ServerError),
        (504, ServiceUnavailableError),
    ],
)
def test_a_strangers_words_go_nowhere(way: Way, status: int, cls: type[KaikoError]) -> None:
    """What a third party says of our request is not our caller's business."""
    error = error_of(raised(way, Answer(status, (b'{"error": "secret"}',)), policy=OPAQUE))
    assert type(error) is cls
    assert "secret" not in error.message
    assert error.upstream is not None
    assert "secret" in error.upstream.excerpt


@our_clients
@pytest.mark.parametrize("status", [200, 201, 204, 304])
def test_a_success_is_returned(way: Way, status: int) -> None:
    """Whatever is in it, for a third party; 304 is no error."""
    called = raised(way, Answer(status, (b'{"error": {"code": "x"}}',)), policy=OPAQUE)
    assert called.outcome == status


@our_clients
@pytest.mark.parametrize(
    ("body", "cls"),
    [
        (b'{"error": {"type": "overloaded_error"}}', ServiceUnavailableError),
        (b'{"error": {"type": "rate_limit_error"}}', RateLimitError),
        (b"<html>", ServerError),
        (b"", ServerError),
    ],
)
def test_an_error_inside_a_providers_success_is_raised(
    way: Way, body: bytes, cls: type[KaikoError]
) -> None:
    """LLM providers say 200 and then think otherwise; the call is over by then."""
    called = raised(way, Answer(200, (body,)), policy=LLM)
    assert type(called.error) is cls
    assert called.attempts == 1


@our_clients
@pytest.mark.parametrize(
    ("name", "cls", "processed"),
    [
        ("ConnectError", ServiceUnavailableError, False),
        ("ReadTimeout", ServiceUnavailableError, True),
        ("ProxyError", ServerError, False),
    ],
)
def test_a_call_that_got_no_answer_is_a_typed_error(
    way: Way, name: str, cls: type[KaikoError], *, processed: bool
) -> None:
    """Whose cause is the client's exception."""
    error = error_of(raised(way, name, policy=OPAQUE))
    assert type(error) is cls
    assert type(error.__cause__).__name__ == name
    assert error.upstream is not None
    assert error.upstream.processed is processed


@our_clients
def test_a_strangers_exception_is_not_touched(way: Way) -> None:
    """A bug of the service stays what it is."""
    bug = ValueError("a bug")
    assert raised(way, bug, policy=OPAQUE).error is bug


@our_clients
@pytest.mark.parametrize("status", [404, 503])
def test_an_error_whose_body_breaks_is_raised_by_its_status(way: Way, status: int) -> None:
    """The body's failure is none of the caller's."""
    error = error_of(raised(way, Answer(status, (b"half", "ReadError")), policy=OPAQUE))
    assert error.upstream is not None
    assert (error.upstream.status, error.upstream.excerpt) == (status, "half")


# The oldest httpx2 drops its own generators unread, of which trio warns; newer ones end them.
_ENDS = "aclosing" in inspect.getsource(httpx2.Response.aiter_bytes)


@pytest.mark.filterwarnings("error" if _ENDS else "ignore:Async generator:ResourceWarning")
@our_clients
@pytest.mark.parametrize("status", [404, 503])
def test_an_endless_error_is_raised_all_the_same(way: Way, status: int) -> None:
    """After 64 KiB of it, and closed."""
    called = raised(way, Answer(status, (b"x" * 1024,) * 999), policy=OPAQUE)
    assert error_of(called).status == (500 if status == 404 else 503)
    for body in called.upstream.bodies:
        assert len(body.handed_out) <= 66
        assert body.closed_at


@our_clients
def test_an_answer_to_head_has_no_body_to_look_into(way: Way) -> None:
    """Not even an LLM provider's."""
    assert raised(way, Answer(200, ()), policy=LLM, method="HEAD").outcome == 200


@our_clients
def test_a_body_that_breaks_is_a_typed_error(way: Way) -> None:
    """And its answer is closed."""
    called = raised(way, Answer(200, (json.dumps([1]).encode(), "ReadError")), policy=OPAQUE)
    assert type(error_of(called)) is ServiceUnavailableError
    assert called.upstream.bodies[0].closed_at


@our_clients
@pytest.mark.parametrize(
    ("step", "note"),
    [
        (404, "upstream 'opaque' answered 404: rejected"),
        (
            Answer(429, headers=(("retry-after", "99"),)),
            "upstream 'opaque' answered 429: throttled",
        ),
        ("ConnectError", "upstream 'opaque' gave no answer: unavailable"),
        (UnsupportedProtocol("x"), "upstream 'opaque' gave no answer: broken"),
    ],
    ids=str,
)
def test_a_traceback_names_the_upstream(way: Way, step: Step, note: str) -> None:
    """Its status and the category as well; of an answer none of it is a part."""
    error = error_of(raised(way, step, policy=OPAQUE))
    assert error.__notes__ == [note]
    assert "opaque" in "".join(format_exception_only(error))
    reply = render(error, "req-0000000000")
    assert b"opaque" not in reply.body
    assert "opaque" not in repr(error)


@our_clients
def test_a_typed_error_of_the_callers_own_has_no_note(way: Way) -> None:
    """It says nothing of an upstream; one that passes twice is explained once."""
    own, twice = NotFoundError("Ours"), error_of(raised(way, 404, policy=OPAQUE))
    assert error_of(raised(way, own, policy=OPAQUE)) is own
    assert not hasattr(own, "__notes__")
    assert error_of(raised(way, twice, policy=OPAQUE)) is twice
    assert len(twice.__notes__) == 1
