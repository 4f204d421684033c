"""A V2 answer read back is the error that the server raised; anything less is not believed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
from kaiko_middleware.catalog import STATUSES
from kaiko_middleware.upstream import Upstream
from unit.support import ContextNotFound, DuplicateId, Throttled

PEER = Upstream("contexts", trust="peer")
CLIENT = Upstream("contexts", trust="peer", credential="forwarded")


def over_the_wire(error: KaikoError, upstream: Upstream = CLIENT) -> KaikoError:
    """Render an error, and read the answer as another service would."""
    reply = render(error, "req-0123456789")
    read = upstream.error_from_response(reply.status, reply.headers, reply.body)
    assert read is not None
    return read


@pytest.mark.parametrize(
    "error",
    [
        InvalidRequestError("Bad", code="too_old", param="a"),
        MissingFieldError("messages"),
        InvalidValueError("Use a role", param="messages[0].role"),
        PayloadTooLargeError("At most 1 MiB"),
        AuthenticationError("No such key", code="no_key_of_ours"),
        ForbiddenError("Revoked", code="no_longer_a_key"),
        NotFoundError("Nothing here"),
        ConflictError("Twice", retryable=True),
        RateLimitError("Slow down", retry_after=7.2),
        ServerError("Sorry", retryable=False),
        ServiceUnavailableError("Later", retry_after=3, code="down"),
        ContextNotFound("Context 'ctx_1' has expired"),
        DuplicateId("m-1", 17),
        Throttled("free", seats=1),
    ],
    ids=lambda error: type(error).__name__,
)
def test_same_class_with_all_that_the_wire_carries(error: KaikoError) -> None:
    """Class, code, message, param and retry hints; and the peer's id for the log."""
    read = over_the_wire(error)
    assert isinstance(read, type(error))  # another test may know a class of its own for a row
    assert (read.status, read.type, read.code) == (error.status, error.type, error.code)
    assert (read.message, read.param) == (error.message, error.param)
    assert read.retryable == error.retryable
    assert read.retry_after == (None if error.retry_after is None else -(-error.retry_after // 1))
    assert read.upstream is not None
    assert read.upstream.request_id == "req-0123456789"
    again = render(read, "req-9999999999")
    assert json.loads(again.body)["error"] | {"request_id": ""} == json.loads(
        render(error, "req-0123456789").body
    )["error"] | {"request_id": ""}


def envelope(**changes: Any) -> dict[str, Any]:
    """Return an envelope with some members changed; None takes one away."""
    error: dict[str, Any] = {
        "type": "not_found_error",
        "code": "brand_new_code",
        "message": "No such thing",
        "param": None,
        "request_id": "req-1",
    }
    return {"error": {k: v for k, v in (error | changes).items() if v != "absent"}}


def read(status: int, body: object, upstream: Upstream = PEER, **headers: str) -> KaikoError:
    """Read an answer."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    error = upstream.error_from_response(status, named, json.dumps(body))
    assert error is not None
    return error


def test_unknown_code_is_kept_under_the_rows_class() -> None:
    """A peer may be newer than we are."""
    error = read(404, envelope())
    assert type(error) is NotFoundError
    assert (error.code, error.message) == ("brand_new_code", "No such thing")


def test_unknown_members_are_dropped() -> None:
    """What the contract may say one day is not passed on by those who do not know it."""
    body = envelope(trace="secret") | {"debug": "secret"}
    error = read(404, body)
    assert error.code == "brand_new_code"
    assert b"secret" not in render(error, "req-1").body


NOT_STRICT: list[dict[str, Any]] = [
    envelope(type="forbidden_error"),
    envelope(type="no_such_error"),
    envelope(type=["not_found_error"]),
    envelope(code="Not-A-Code"),
    envelope(code="c" * 65),
    envelope(code=7),
    envelope(message=""),
    envelope(message=" \n"),
    envelope(message="m" * 1025),
    envelope(message={"text": "m"}),
    envelope(param=""),
    envelope(param="p" * 257),
    envelope(param="a\r\nb"),
    envelope(param=["a"]),
    envelope(request_id=""),
    envelope(request_id="a b"),
    envelope(request_id=None),
    *(envelope(**{name: "absent"}) for name in ("type", "code", "message", "param", "request_id")),
    {"error": [envelope()["error"]]},
    {"error": None},
    {"errors": envelope()["error"]},
]


@pytest.mark.parametrize("body", [*NOT_STRICT, [envelope()], "text", None], ids=str)
def test_what_is_no_strict_envelope_is_a_routing_failure(body: object) -> None:
    """A 404 of a gateway is ours to mend, never the caller's 404."""
    error = read(404, body)
    assert (error.status, error.code, error.retryable) == (500, "internal", False)


@pytest.mark.parametrize("status", [status for status in STATUSES if status != 404])
def test_type_has_to_agree_with_the_status(status: int) -> None:
    """An envelope under another status came through something that changed it."""
    error = read(status, envelope())
    entry = STATUSES[status]
    passes = entry.type == "not_found_error" and entry.status == status
    assert (error.code == "brand_new_code") == passes


@pytest.mark.parametrize("status", sorted({entry.status for entry in STATUSES.values()}))
@pytest.mark.parametrize("trust", ["opaque", "llm", "peer"])
@pytest.mark.parametrize("credential", ["own", "forwarded"])
def test_whose_errors_pass(status: int, trust: Any, credential: Any) -> None:
    """A peer's do, but for those about a key, which are its owner's; nobody else's do."""
    upstream = Upstream("up", trust=trust, credential=credential)
    error = read(status, envelope(type=STATUSES[status].type), upstream)
    if status in {401, 403}:
        passes = credential == "forwarded"
    else:
        passes = trust == "peer" and (status != 402 or credential == "forwarded")
    assert (error.code == "brand_new_code", error.message == "No such thing") == (passes, passes)
    if passes:
        assert error.status == status
        assert error.retryable == STATUSES[status].retryable


@pytest.mark.parametrize("said", ["true", "false", " TRUE", "x", ""])
def test_peers_own_word_on_retries_counts(said: str) -> None:
    """Its X-Should-Retry, else the row's."""
    wanted = {"true": True, "false": False, " TRUE": True}
    for status, row in ((404, False), (503, True)):
        error = read(status, envelope(type=STATUSES[status].type), x_should_retry=said)
        assert error.retryable == wanted.get(said, row)


def test_peers_wait_is_passed_on_where_waiting_helps() -> None:
    """On 429 and 503, and wherever it may be tried again."""
    kind = {"type": "rate_limit_error"}
    assert read(429, envelope(**kind), retry_after="7").retry_after == 7
    assert read(404, envelope(), retry_after="7").retry_after is None
    assert read(404, envelope(), retry_after="7", x_should_retry="true").retry_after == 7


def test_peers_limit_can_be_our_outage() -> None:
    """`rate_limit_as=503` hides a limit that is ours, whoever says it."""
    upstream = Upstream("up", trust="peer", rate_limit_as=503)
    error = read(429, envelope(type="rate_limit_error"), upstream, retry_after="7")
    assert type(error) is ServiceUnavailableError
    assert (error.code, error.retry_after) == ("service_unavailable", 7)


@pytest.mark.parametrize(
    ("status", "category"),
    [(401, "account"), (404, "rejected"), (429, "throttled"), (500, "unavailable")],
)
def test_what_passes_is_judged_all_the_same(status: int, category: str) -> None:
    """Retry budgets and logs want to know whose fault it was."""
    error = read(status, envelope(type=STATUSES[status].type), CLIENT)
    assert error.upstream is not None
    assert error.upstream.category == category
    assert error.upstream.processed


@pytest.mark.parametrize(
    ("code", "kind", "status"),
    [
        ("unit_context_not_found", "not_found_error", 404),
        ("plan_exhausted", "rate_limit_error", 429),
        ("payload_too_large", "invalid_request_error", 413),
        ("service_unavailable", "server_error", 503),
        ("internal", "server_error", 500),
        ("gone", "not_found_error", 410),
        ("brand_new", "server_error", 500),
        ("brand_new", "invalid_request_error", 400),
        ("brand_new", "conflict_error", 409),
    ],
)
def test_error_that_ended_a_peers_stream_is_read_back(code: str, kind: str, status: int) -> None:
    """The status was 200 then; the code says which error it was, else the type's row."""
    data = json.dumps(envelope(type=kind, code=code))
    frame = f"event: error\ndata: {data}\n\n".encode()
    with pytest.raises(KaikoError) as caught:
        PEER.watch().feed(b'data: {"text": "Hel"}\n\n' + frame)
    assert (caught.value.status, caught.value.code) == (status, code)
    assert caught.value.message == "No such thing"
    whole = PEER.error_from_response(200, {"content-type": "text/event-stream"}, frame)
    assert whole is not None
    assert type(whole) is type(caught.value)


def test_peers_stream_about_our_key_is_our_problem() -> None:
    """In a stream as in an answer."""
    data = json.dumps(envelope(type="authentication_error", code="invalid_api_key"))
    frame = f"event: error\ndata: {data}\n\n".encode()
    with pytest.raises(ServerError) as caught:
        PEER.watch().feed(frame)
    assert not caught.value.retryable
    with pytest.raises(AuthenticationError):
        CLIENT.watch().feed(frame)


@pytest.mark.parametrize("kind", ["no_such_error", ""])
def test_stream_with_an_unknown_type_is_judged_by_its_words(kind: str) -> None:
    """No row has that type."""
    frame = f"data: {json.dumps(envelope(type=kind, code='overloaded_error'))}\n\n"
    with pytest.raises(ServiceUnavailableError):
        PEER.watch().feed(frame.encode())


@given(st.text(min_size=1), st.none() | st.text(), st.sampled_from([True, False, None]))
def test_any_text_survives_the_way_there_and_back(
    message: str,
    param: str | None,
    retryable: bool | None,  # noqa: FBT001 - hypothesis names no argument
) -> None:
    """Whatever a service says, its client reads it, and says the same to its own."""
    first = ConflictError(message, param=param, retryable=retryable)
    once = over_the_wire(first)
    twice = over_the_wire(once)
    assert type(once) is ConflictError
    assert (once.message, once.param, once.retryable) == (
        twice.message,
        twice.param,
        twice.retryable,
    )
