"""A service's own codes, raised and told apart."""

from __future__ import annotations

import copy
import pickle
from typing import assert_never, assert_type

from kaiko_middleware import (
    ConflictError,
    ErrorType,
    ForbiddenError,
    InvalidRequestError,
    InvalidValueError,
    KaikoError,
    MissingFieldError,
    NotFoundError,
    RateLimitError,
    Reply,
    ServiceUnavailableError,
    render,
)


class ContextNotFound(NotFoundError, code="context_not_found", param="context_id"):
    """The context does not exist, or it has expired."""


class ContextGone(NotFoundError, code="context_gone", status=410, retryable=False):
    """The context was deleted."""


class ContextSealed(
    ConflictError,
    code="context_sealed",
    message="The context is sealed",
    resolution="Unseal it first.",
):
    """Sealed contexts are kept for audits."""


class ContextBusy(ServiceUnavailableError):
    """A class body may say the same."""

    code = "context_busy"
    message = "The context is busy"
    resolution = "Try again."
    retryable = False
    retry_after = 5


class InvalidRole(InvalidValueError, code="invalid_role"):
    """A role that is none of user, assistant, system."""

    def __init__(self, role: str, index: int) -> None:
        super().__init__("Use user, assistant or system", param=f"messages[{index}].role")
        self.role = role


def raise_each(which: int) -> None:
    """Raise sites: a message, and keywords that the row knows."""
    match which:
        case 1:
            raise ContextNotFound("Context 'ctx_1' has expired")
        case 2:
            raise InvalidRole("tool", 0)
        case 3:
            raise MissingFieldError("messages")
        case 4:
            raise RateLimitError(retry_after=1.5, limit=10, remaining=0, reset=30)
        case 5:
            raise ServiceUnavailableError("The model is loading", retry_after=20)
        case 6:
            raise ConflictError(code="duplicate_id", param="messages[0].external_id")
        case 7:
            raise ForbiddenError(headers={"X-Reason": "revoked"}, retryable=False)
        case 8:
            raise InvalidRequestError("No", headers=[("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")])
        case _:
            raise ContextGone


def advice(error: KaikoError) -> str:
    """The set of types is closed, so a match can be exhaustive."""
    match error.type:
        case "invalid_request_error" | "not_found_error" | "conflict_error":
            return "change the request"
        case "authentication_error" | "forbidden_error":
            return "look at the key"
        case "rate_limit_error" | "server_error":
            return "wait"
        case _:
            assert_never(error.type)


def attributes(error: KaikoError) -> Reply:
    """What an error has, as a reader of it sees it."""
    assert_type(ContextSealed.message, str)
    assert_type(ContextSealed.resolution, str | None)
    assert_type(error.status, int)
    assert_type(error.type, ErrorType)
    assert_type(error.code, str)
    assert_type(error.message, str)
    assert_type(error.param, str | None)
    assert_type(error.retryable, bool)
    assert_type(error.headers, tuple[tuple[str, str], ...])
    reply = render(error, "req-7f65ab21d1")
    assert_type(reply.status, int)
    assert_type(reply.headers, tuple[tuple[str, str], ...])
    assert_type(reply.body, bytes)
    return reply


def copies(error: ContextNotFound) -> ContextNotFound:
    """Errors are copied and pickled like any value."""
    assert_type(copy.copy(error), ContextNotFound)
    pickle.dumps(error)
    return copy.deepcopy(error)
