"""Whose fault an error is, and whether to send the request again, in words for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kaiko_middleware.errors import Category

__all__ = [
    "ANY_METHOD",
    "category_of_curl",
    "fault_of",
    "fault_of_category",
    "retry_advice",
    "todo_of_category",
]

ANY_METHOD = frozenset({408, 421, 425, 429, 500, 503, 529})
"""The statuses after which a request with any method is sent again, by section 11."""
_BY_TYPE = {
    "invalid_request_error": "the caller's: the request is not one that the service takes",
    "authentication_error": "the caller's: the API key is missing or wrong",
    "forbidden_error": "the caller's: the API key does not permit this",
    "not_found_error": "the caller's: what the request names is not there",
    "conflict_error": "the caller's: the request does not fit the state of the resource",
    "rate_limit_error": "nobody's: there is a limit, and it is reached",
}
_BY_CATEGORY: dict[Category, tuple[str, str]] = {
    "throttled": ("nobody's: there is a limit, and it is reached", "Wait, then send it again."),
    "account": (
        "the key's owner's: the key is refused, or its quota is used up",
        "Have an operator check the key, the quota and the bill.",
    ),
    "unavailable": (
        "the service's, or that of something in front of it; it should pass",
        "Send it again later, with exponential backoff.",
    ),
    "rejected": (
        "the sender's: the service refuses what was sent to it",
        "Correct the request before sending it again.",
    ),
    "broken": (
        "not the caller's: this is no answer that a program can use",
        "Have an operator check the address, the proxy in between and the service.",
    ),
}

_CURL: dict[Category, frozenset[int]] = {
    "unavailable": frozenset({5, 6, 7, 16, 18, 28, 52, 55, 56, 92}),
    "broken": frozenset({1, 3, 35, 47, 51, 58, 60, 77, 83}),
}


def category_of_curl(code: int) -> Category | None:
    """Return whose fault it is that curl got no answer, by its exit code."""
    return next((category for category, codes in _CURL.items() if code in codes), None)


def fault_of(status: int, kind: str, *, retryable: bool) -> str:
    """Say whose fault an error of a service with the contract is.

    Arguments:
        status: its status.
        kind: its type.
        retryable: whether it may be sent again.

    """
    if status < 500:
        passes = retryable and status != 429
        return "nobody's: it came at the wrong time" if passes else _BY_TYPE[kind]
    if status == 503:
        return "the service's, or that of something it calls; it should pass"
    if retryable:
        return "the service's: something that nobody expected"
    return "the service's: something that it calls refuses it, and an operator must act"


def fault_of_category(category: Category) -> str:
    """Say whose fault another service's failure is, by section 10."""
    return _BY_CATEGORY[category][0]


def todo_of_category(category: Category) -> str:
    """Say what to do about it."""
    return _BY_CATEGORY[category][1]


def retry_advice(*, retryable: bool, wait: float | None, any_method: bool = True) -> str:
    """Say whether to send a request again, and when.

    Arguments:
        retryable: whether to.
        wait: the seconds that the answer asks for, if it does.
        any_method: whether that is safe for each method.

    """
    if not retryable:
        return "no: the same request fails again"
    when = "" if wait is None else f", after {wait:g} s"
    if wait is not None and wait > 60:
        when += " (too long to wait in a call: give up, and try later)"
    only = "" if any_method else ", if the request is idempotent or has an Idempotency-Key"
    return f"yes{when}{only}: with exponential backoff, 3 attempts in 30 s"
