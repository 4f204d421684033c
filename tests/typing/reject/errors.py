"""What is wrong with a code or a raise site shows before it runs."""

from __future__ import annotations

from typing import assert_never

from kaiko_middleware import (
    KaikoError,
    MissingFieldError,
    NotFoundError,
    RateLimitError,
    ServerError,
    render,
)


class CodeIsNoNumber(NotFoundError, code=404):  # error
    """A code is a string."""


class StatusIsNoString(NotFoundError, code="gone_away", status="410"):  # error
    """A status is a number."""


class UnknownKeyword(NotFoundError, code="gone_away", colour="red"):  # error
    """Only code, status, param, message, resolution and retryable define a class."""


class MessageIsNoNumber(NotFoundError, code="gone_away", message=404):  # error
    """A message is a text."""


class ResolutionIsNoList(NotFoundError, code="gone_away", resolution=["Look"]):  # error
    """A resolution is a text."""


class RetryableIsNoText(NotFoundError, code="gone_away", retryable="no"):  # error
    """A flag is True or False."""


class WrongBody(NotFoundError):
    """A class body is typed as well."""

    code = 404  # error
    message = 404  # error
    resolution = 404  # error
    retryable = "no"  # error


def raise_sites() -> None:
    """Keywords and types are those of the row."""
    NotFoundError(404)  # error
    NotFoundError("No", "not_found")  # error
    NotFoundError("No", colour="red")  # error
    NotFoundError("No", param=1)  # error
    NotFoundError("No", retryable="no")  # error
    NotFoundError("No", retry_after=1)  # error
    NotFoundError("No", headers={"Retry-After": 1})  # error
    RateLimitError(retry_after="soon")  # error
    RateLimitError(limit=1.5)  # error
    MissingFieldError()  # error
    MissingFieldError(param=None)  # error


def advice(error: KaikoError) -> str:
    """A type that is forgotten is found."""
    match error.type:
        case "invalid_request_error" | "not_found_error" | "conflict_error":
            return "change the request"
        case "authentication_error" | "forbidden_error":
            return "look at the key"
        case "rate_limit_error":
            return "wait"
        case _:
            assert_never(error.type)  # error


def attributes(error: ServerError) -> bytes:
    """Attributes have the types that the contract gives them."""
    code: int = error.code  # error
    param: str = error.param  # error
    print(code, param, error.colour)  # error
    error.message = None  # error
    render(error)  # error
    render("error", "req-7f65ab21d1")  # error
    return render(error, "req-7f65ab21d1").status  # error
