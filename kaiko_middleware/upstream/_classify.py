"""Whose fault an upstream's answer is.

An upstream's 4xx is about our request, made with our credential: it is not the caller's fault.
Implements the default table of section 10 of the V2 contract, and its rules for errors inside a
success.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from kaiko_middleware.json_values import items, members

from ._llm import parts
from ._members import NOTHING, only, reading, says_something, whole_number, word
from ._refusals import FILTERED, TOO_LONG
from ._tokens import (
    ACCOUNT,
    ACCOUNT_4XX,
    AWS_THROTTLING,
    BROKEN_5XX,
    INSIDE_SUCCESS,
    SLACK,
    UNAVAILABLE_4XX,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kaiko_middleware.errors import Category
    from kaiko_middleware.json_values import Members

    from ._members import Reading

_NUMBERS = (
    "code",
    "status",
    "status_code",
    "statusCode",
    "StatusCode",
    "error_code",
    "http_status_code",
    "http_status",
    "http_code",  # MiniMax's
    "httpCode",  # Yandex's
)


_FAILED = {
    "error": "",
    "network_error": "",  # Z.ai's
    "timeout": "timeout_error",  # Cohere's, and the next two
    "error_limit": TOO_LONG,
    "error_toxic": FILTERED,
}
"""The reasons to finish that are errors, and the code for each."""
_LISTED = 1024  # elements of a list that are read


class Found(NamedTuple):
    """An error inside a success: its category, the data that says so, and the text for the log."""

    category: Category
    data: object
    text: str = ""


def by_status(
    status: int, said: Reading = NOTHING, headers: Mapping[str, str] | None = None
) -> Category | None:
    """Return the category of an answer by its status; None if it is not an error.

    Arguments:
        status: the answer's status.
        said: what its body says, which distinguishes a hard quota from a rate limit.
        headers: its headers, which distinguish a rate limit from a refused key.

    """
    if status < 300 or status == 304:
        return None if status >= 100 else "broken"
    if status < 400:
        return "broken"
    if status < 500:
        if status in ACCOUNT_4XX:
            limited = status == 403 and headers is not None and _is_rate_limit(headers)
            return "throttled" if limited else "account"
        if status in {400, 429} and not ACCOUNT.isdisjoint(said.tokens):
            return "account"
        if status == 429 or (status == 400 and _is_aws_throttling(said, headers)):
            return "throttled"
        return "unavailable" if status in UNAVAILABLE_4XX else "rejected"
    return "broken" if status in BROKEN_5XX or status > 599 else "unavailable"


def _is_rate_limit(headers: Mapping[str, str]) -> bool:
    """Whether a 403 is GitHub's rate limit, and not about the key."""
    return "retry-after" in headers or headers.get("x-ratelimit-remaining", "").strip() == "0"


def _is_aws_throttling(said: Reading, headers: Mapping[str, str] | None) -> bool:
    """Whether a 400 is a throttling exception of AWS's.

    They look like `ThrottlingException:http://…` and `com.amazon.…#ThrottlingException`.
    """
    kind = headers.get("x-amzn-errortype", "") if headers else ""
    if not kind and said.held:
        kind = word(said.held[0].get("__type"))
    return bool(kind) and kind.partition(":")[0].rpartition("#")[2].strip() in AWS_THROTTLING


def error_in_event(name: str, data: object, *, llm: bool) -> Found | None:
    """Return the error that an event of a stream is, or None."""
    kind = members(data).get("type")
    if name == "error" or kind == "error":
        return _judged(data)
    if name == "response.failed" or kind == "response.failed":
        return _judged(members(members(data).get("response")) or data)
    return error_inside(data, llm=llm)


def error_inside(data: object, *, llm: bool) -> Found | None:
    """Return the error in the JSON of a success, or None.

    Arguments:
        data: the JSON.
        llm: whether it is an LLM provider's, where a bare text as `error` counts, too.

    """
    said = members(only(data))
    error, errors = said.get("error"), said.get("errors")
    embedded = whole_number(said.get("StatusCode"))
    if (
        says_something(members(error))
        or (error and isinstance(error, str) and (llm or said.get("ok") is False))
        or said.get("object") == "error"
        or (says_something(errors) and said.get("data") is None)
        or (embedded is not None and 401 <= embedded <= 403)
    ):
        return _judged(said)
    return _error_of_llm(data, said) if llm else None


def _error_of_llm(data: object, said: Members) -> Found | None:
    """Return the error that an LLM provider's answer is without an `error`, or None."""
    listed = items(data)[:_LISTED]
    # Gemini sends a stream as a list, if it is not asked for events.
    if not said and listed and members(listed[0]).get("candidates"):
        each = (error_inside(members(chunk), llm=True) for chunk in listed)
        return next((found for found in each if found is not None), None)
    for part in (*parts(said), said, members(said.get("delta"))):
        code = _FAILED.get(word(part.get("finish_reason")).lower())
        if code is not None:
            holder = part if members(part.get("error")) else said
            return _judged({**holder, "code": code} if code else holder)
    if word(members(said.get("promptFeedback")).get("blockReason")) and not said.get("candidates"):
        return _judged({**said, "code": FILTERED})  # Gemini's, for a prompt
    return None


def _judged(data: object) -> Found:
    """Return the error by the embedded status, else by a token, else as `broken`."""
    said = reading(data)
    for holder in said.held:
        for name in _NUMBERS:
            number = whole_number(holder.get(name))
            if number is not None and 400 <= number <= 599:
                return Found(by_status(number, said) or "broken", data)
    top = said.held[0] if said.held else {}
    bare = word(top.get("error"))
    for category, tokens in INSIDE_SUCCESS:
        if bare in tokens or not said.tokens.isdisjoint(tokens):
            return Found(category, data)
    return Found(SLACK.get(bare, "broken") if top.get("ok") is False else "broken", data)
