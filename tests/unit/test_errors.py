"""The typed errors: what they say by default, what is refused, and that they travel."""

from __future__ import annotations

import copy
import math
import pickle
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

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
from kaiko_middleware.error_values import invalid_code, whole_seconds
from kaiko_middleware.make_error import error_for_status, error_from_wire
from unit.support import ContextNotFound, DuplicateId, Throttled

# Section 2 of the contract and the names of the architecture, written down once more.
ROWS = [
    (InvalidRequestError(), 400, "invalid_request_error", "bad_request", False),
    (MissingFieldError("model"), 400, "invalid_request_error", "missing_field", False),
    (AuthenticationError(), 401, "authentication_error", "invalid_api_key", False),
    (ForbiddenError(), 403, "forbidden_error", "permission_denied", False),
    (NotFoundError(), 404, "not_found_error", "not_found", False),
    (ConflictError(), 409, "conflict_error", "conflict", False),
    (PayloadTooLargeError(), 413, "invalid_request_error", "payload_too_large", False),
    (InvalidValueError(), 422, "invalid_request_error", "invalid_value", False),
    (RateLimitError(), 429, "rate_limit_error", "too_many_requests", True),
    (ServerError(), 500, "server_error", "internal", True),
    (ServiceUnavailableError(), 503, "server_error", "service_unavailable", True),
    (KaikoError(), 500, "server_error", "internal", True),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: type(row[0]).__name__)
def test_each_row_has_its_status_type_and_code(
    row: tuple[KaikoError, int, str, str, bool],
) -> None:
    """A row class raised as it is says what section 2 says."""
    error, status, kind, code, retryable = row
    assert (error.status, error.type, error.code, error.retryable) == row[1:]
    assert (status, kind, code, retryable) == row[1:]


@pytest.mark.parametrize(
    ("error", "meaning"),
    [
        (InvalidRequestError(), "The request is invalid"),
        (AuthenticationError(), "Missing or invalid API key"),
        (ForbiddenError(), "The API key does not permit this"),
        (NotFoundError(), "The resource was not found"),
        (ConflictError(), "The request conflicts with the state of the resource"),
        (PayloadTooLargeError(), "The request body is too large"),
        (InvalidValueError(), "A field has an invalid value"),
        (RateLimitError(), "Too many requests"),
        (ServerError(), "Unexpected server error"),
        (ServiceUnavailableError(), "The service is temporarily unavailable"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_default_message_is_the_rows_meaning(error: KaikoError, meaning: str) -> None:
    """Nobody has to write a message."""
    assert error.message == str(error) == meaning


@pytest.mark.parametrize(
    ("child", "parent"),
    [
        (MissingFieldError, InvalidRequestError),
        (InvalidValueError, InvalidRequestError),
        (PayloadTooLargeError, InvalidRequestError),
        (ServiceUnavailableError, ServerError),
        (ServerError, KaikoError),
    ],
)
def test_errors_can_be_caught_by_their_kind(
    child: type[KaikoError], parent: type[KaikoError]
) -> None:
    """`except InvalidRequestError` catches all that the client did wrong."""
    assert issubclass(child, parent)


def test_a_missing_field_is_named_in_its_message() -> None:
    """The message of section 7, and the path as param."""
    error = MissingFieldError("messages[0].role")
    assert error.message == "The 'messages[0].role' field is required"
    assert error.param == "messages[0].role"


def test_an_invalid_value_takes_its_code_from_the_leaf() -> None:
    """`invalid_<leaf>` where the leaf fits the pattern, unless a code is given."""
    assert InvalidValueError(param="messages[0].role").code == "invalid_role"
    assert InvalidValueError(param="role", code="bad_role").code == "bad_role"


@pytest.mark.parametrize(
    ("param", "code"),
    [
        (None, "invalid_value"),
        ("", "invalid_value"),
        ("role", "invalid_role"),
        ("messages[0].role", "invalid_role"),
        ("messages[0]", "invalid_messages"),
        ("meta[*]", "invalid_meta"),
        ("[0]", "invalid_value"),
        ("maxTokens", "invalid_value"),
        ("a.b-c", "invalid_value"),
        ("x" * 56, f"invalid_{'x' * 56}"),
        ("x" * 57, "invalid_value"),
        ("naïve", "invalid_value"),
    ],
)
def test_a_leaf_that_fits_no_code_gives_invalid_value(param: str | None, code: str) -> None:
    """No path can make a code that the contract's pattern refuses."""
    assert invalid_code(param) == code


def test_a_row_takes_another_code_at_the_raise_site() -> None:
    """`code=` is for row classes."""
    assert NotFoundError(code="model_not_found").code == "model_not_found"


@pytest.mark.parametrize(
    "code", ["", "Bad", "1st", "with-dash", "a" * 65, "white space", "new\n", "ümlaut"]
)
def test_a_code_outside_the_pattern_is_refused_where_it_is_raised(code: str) -> None:
    """A typo in a code fails the service's own tests, not its clients."""
    with pytest.raises(ValueError, match=r"does not match"):
        NotFoundError(code=code)
    with pytest.raises(TypeError, match=r"Own: code .* does not match"):
        type("Own", (NotFoundError,), {}, code=code)


def test_a_class_with_a_code_has_fixed_it() -> None:
    """A class is one code; `code=` is refused there."""
    with pytest.raises(TypeError, match="has the fixed code 'unit_context_not_found'"):
        ContextNotFound(code="another")


def test_a_class_says_status_type_code_and_param() -> None:
    """All that a client sees is fixed by the class but the message."""
    error = ContextNotFound("Context 'ctx_1' has expired")
    assert (error.status, error.type, error.code) == (404, "not_found_error", ContextNotFound.code)
    assert error.param == "context_id"
    assert ContextNotFound(param="id").param == "id"


def test_a_class_may_take_another_status_of_its_type() -> None:
    """410 is a not_found_error, and its own code where none is given."""

    class Removed(NotFoundError, status=410): ...

    class RemovedContext(ContextNotFound, status=410, code="unit_removed_context"): ...

    assert (Removed.status, Removed.code, Removed.type) == (410, "gone", "not_found_error")
    assert Removed(code="moved_away").code == "moved_away"
    assert (RemovedContext.status, RemovedContext.code) == (410, "unit_removed_context")
    with pytest.raises(TypeError, match="fixed code"):
        RemovedContext(code="moved_away")


@pytest.mark.parametrize("status", [200, 302, 399, 501, 502, 504, 599, 600, 700, 99, -1])
def test_a_class_with_a_status_that_never_leaves_is_refused(status: int) -> None:
    """502 and its like become 503 or 500: no class can promise them."""
    with pytest.raises(TypeError, match=f"status {status} is none"):
        type("Own", (KaikoError,), {}, status=status, code="own")


@pytest.mark.parametrize(
    ("status", "base", "types"),
    [
        (400, NotFoundError, "an invalid_request_error, its base a not_found_error"),
        (401, NotFoundError, "an authentication_error, its base a not_found_error"),
        (409, NotFoundError, "a conflict_error, its base a not_found_error"),
        (500, InvalidRequestError, "a server_error, its base an invalid_request_error"),
    ],
)
def test_a_class_with_a_status_of_another_type_is_refused(
    status: int, base: type[KaikoError], types: str
) -> None:
    """A NotFoundError is a not_found_error on the wire."""
    with pytest.raises(TypeError, match=f"^Own: status {status} is {types}$"):
        type("Own", (base,), {}, status=status)


@pytest.mark.parametrize(
    "body",
    [
        {"status": 409},
        {"status": 777},
        {"code": "Not A Code"},
        {"type": "server_error"},
        {"type": "odd_error", "status": 410},
    ],
)
def test_what_a_class_body_says_is_checked_as_well(body: dict[str, object]) -> None:
    """Attributes in the body are no way around the checks."""
    with pytest.raises(TypeError, match=r"^Own: "):
        type("Own", (NotFoundError,), body)


def test_a_code_in_the_body_of_a_class_counts_as_its_keyword() -> None:
    """Both ways of writing a class mean the same."""

    class Vanished(NotFoundError):
        code = "vanished"
        status = 410

    assert (Vanished().status, Vanished().code) == (410, "vanished")
    with pytest.raises(TypeError, match="fixed code"):
        Vanished(code="other")


def test_a_class_may_say_that_a_retry_helps() -> None:
    """`retryable` of the class is the default, `retryable=` of the raise site wins."""

    class Warming(ConflictError, code="warming_up", retryable=True): ...

    assert Warming().retryable is True
    assert Warming(retryable=False).retryable is False
    assert ServerError(retryable=False).retryable is False


def test_headers_are_taken_as_a_mapping_or_as_pairs() -> None:
    """Whatever a service has at hand."""
    assert NotFoundError(headers={"Vary": "Accept"}).headers == (("Vary", "Accept"),)
    pairs = [("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")]
    assert NotFoundError(headers=pairs).headers == tuple(pairs)


def test_limits_of_a_rate_limit_are_kept() -> None:
    """The guard's numbers reach the renderer."""
    error = RateLimitError(retry_after=1.5, limit=5, remaining=0, reset=30)
    assert (error.retry_after, error.limit, error.remaining, error.reset) == (1.5, 5, 0, 30)
    assert ServiceUnavailableError(retry_after=3).retry_after == 3


WRONG_VALUES: list[tuple[type[KaikoError], str, Any]] = [
    *((RateLimitError, "retry_after", value) for value in ("5", timedelta(5), True, Decimal(5))),
    (RateLimitError, "limit", "10"),
    (RateLimitError, "limit", 2.5),
    (RateLimitError, "remaining", False),
    (RateLimitError, "reset", datetime(2026, 1, 1, tzinfo=UTC)),
    (ServiceUnavailableError, "retry_after", timedelta(5)),
    *((NotFoundError, "retryable", value) for value in ("no", 1, 0)),
    (NotFoundError, "code", 404),
    (NotFoundError, "code", ["a"]),
    *((NotFoundError, "headers", value) for value in ("X-Own: a", b"X-Own: a", 5, ["ab"])),
    (NotFoundError, "headers", {"X-Own": 5}),
    (NotFoundError, "headers", [("X-Own", "a", "b")]),
    (NotFoundError, "headers", [(b"X-Own", b"a")]),
    (MissingFieldError, "headers", {"X-Own": None}),
]


@pytest.mark.parametrize(("cls", "name", "value"), WRONG_VALUES, ids=ascii)
def test_a_value_of_a_wrong_type_is_refused_where_it_is_given(
    cls: type[KaikoError], name: str, value: Any
) -> None:
    """In one line that says which, and what is allowed."""
    needed: dict[str, Any] = {"param": "x"} if cls is MissingFieldError else {}
    with pytest.raises(TypeError, match=f"^{name}: .* is not allowed; it must be ") as caught:
        cls(**needed, **{name: value})
    assert "\n" not in str(caught.value)


def test_a_number_is_taken_whatever_it_is() -> None:
    """What no header can say is dropped later; nothing and zero are not the same."""
    error = RateLimitError(retry_after=math.nan, limit=-1, remaining=0, reset=0.0)
    assert math.isnan(error.retry_after or 0)
    assert (error.limit, error.remaining, error.reset) == (-1, 0, 0.0)
    assert RateLimitError().retry_after is None


EVERY = [
    *(row[0] for row in ROWS),
    ContextNotFound("Context 'ctx_1' has expired"),
    Throttled("free", seats=3),
    DuplicateId("m-1", 7),
    error_for_status(410, "It is gone", headers={"Vary": "Accept"}),
    RateLimitError("Slow down", code="slow", retry_after=2, limit=1, remaining=0, reset=2),
]


@pytest.mark.parametrize("error", EVERY, ids=lambda error: f"{type(error).__name__}-{error.code}")
@pytest.mark.parametrize(
    "travel",
    [
        lambda error: pickle.loads(pickle.dumps(error)),  # noqa: S301 - our own bytes
        copy.copy,
        copy.deepcopy,
    ],
    ids=["pickle", "copy", "deepcopy"],
)
def test_every_error_survives_being_pickled_and_copied(error: KaikoError, travel: object) -> None:
    """Process pools, caches and task queues carry errors, whatever their `__init__` takes."""
    assert callable(travel)
    arrived = travel(error)
    assert type(arrived) is type(error)
    assert arrived is not error
    assert arrived.args == error.args
    assert vars(arrived) == vars(error)
    assert (arrived.status, arrived.code, str(arrived)) == (error.status, error.code, str(error))


@pytest.mark.parametrize(
    ("status", "cls"),
    [
        (400, InvalidRequestError),
        (401, AuthenticationError),
        (402, ForbiddenError),
        (403, ForbiddenError),
        (404, NotFoundError),
        (407, AuthenticationError),
        (410, NotFoundError),
        (412, ConflictError),
        (413, PayloadTooLargeError),
        (418, InvalidRequestError),
        (422, InvalidValueError),
        (429, RateLimitError),
        (500, ServerError),
        (501, ServerError),
        (502, ServiceUnavailableError),
        (200, ServerError),
        (700, ServerError),
    ],
)
def test_a_status_becomes_the_error_of_its_kind(status: int, cls: type[KaikoError]) -> None:
    """A client that catches classes needs no table of statuses."""
    error = error_for_status(status)
    assert type(error) is cls
    if 400 <= status < 500:
        assert error.status == status


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (1, "1"),
        (0.001, "1"),
        (59.0, "59"),
        (59.1, "60"),
        (10**400, "2147483647"),
        (1e300, "2147483647"),
        (None, None),
        (-1, None),
        (float("nan"), None),
        (float("inf"), None),
        (float("-inf"), None),
    ],
)
def test_seconds_are_whole_rounded_up_and_bounded(value: float | None, text: str | None) -> None:
    """A wait is never told too short; what is no number of seconds is not told at all."""
    assert whole_seconds(value) == text


def test_a_wire_answer_becomes_the_class_that_was_raised() -> None:
    """The same classes on both sides, whatever their `__init__` takes."""
    error = error_from_wire(429, "plan_exhausted", "Plan free is exhausted", retry_after=3)
    assert type(error) is Throttled
    assert (error.message, error.retry_after, error.retryable) == (
        "Plan free is exhausted",
        3,
        True,
    )
    assert str(error) == "Plan free is exhausted"
    known = error_from_wire(409, DuplicateId.code, "Again", param="external_id", retryable=False)
    assert (type(known), known.param, known.retryable) == (DuplicateId, "external_id", False)


def test_an_unknown_code_becomes_the_class_of_its_row() -> None:
    """With the code that was sent."""
    error = error_from_wire(410, "was_deleted", "It is gone", retryable=False)
    assert (type(error), error.status, error.code) == (NotFoundError, 410, "was_deleted")
