"""What SDKs and clients raise for an answer, and for an error inside a stream."""

# ruff: noqa: E501 - a row of a table stands on one line

from __future__ import annotations

from typing import Any

import aiohttp
import anthropic
import httpx
import httpx2
import openai
import pytest
import requests

from kaiko_middleware import (
    InvalidValueError,
    KaikoError,
    PayloadTooLargeError,
    RateLimitError,
    ServerError,
    ServiceUnavailableError,
)
from kaiko_middleware.upstream import Upstream
from unit.upstream.test_exceptions import LOOSE, REQUEST, UP, details

LLM = Upstream("llm", trust="llm")


def response(status: int, body: object = None, **headers: str) -> httpx2.Response:
    """Return an answer as an SDK holds it."""
    return httpx2.Response(status, json=body, headers=headers, request=REQUEST)


def sdk_error(sdk: Any, answer: httpx2.Response, body: object) -> Exception:
    """Return what an SDK raises for an answer; OpenAI's unwraps the body's `error`."""
    error: Exception = sdk.APIStatusError("x", response=answer, body=body)
    return error


TOO_LONG = {"error": {"code": "context_length_exceeded", "type": "invalid_request_error"}}
QUOTA = {"error": {"code": "insufficient_quota", "type": "insufficient_quota"}}


@pytest.mark.parametrize("sdk", [openai, anthropic])
@pytest.mark.parametrize(
    ("status", "body", "row"),
    [
        (429, {"error": {"code": "rate_limit_exceeded"}}, (RateLimitError, True)),
        (429, QUOTA, (ServerError, False)),
        (400, TOO_LONG, (PayloadTooLargeError, False)),
        (400, {"error": {"code": "content_filter"}}, (InvalidValueError, False)),
        (401, {"error": {"code": "invalid_api_key"}}, (ServerError, False)),
        (
            529,
            {"type": "error", "error": {"type": "overloaded_error"}},
            (ServiceUnavailableError, True),
        ),
        (429, [QUOTA], (ServerError, False)),
    ],
    ids=lambda value: str(value)[:60],
)
def test_sdks_status_error_is_judged_like_the_answer(
    sdk: Any, status: int, body: Any, row: tuple[type[KaikoError], bool]
) -> None:
    """From the raw answer where it is there, from what the SDK kept of it where it is not."""
    unwrapped = body.get("error", body) if isinstance(body, dict) else body
    exc = sdk_error(sdk, response(status, body), unwrapped)
    error = LLM.error_from_exception(exc)
    assert (type(error), error.retryable) == row
    assert details(error).status == status
    if isinstance(body, dict):
        unread = httpx2.Response(status, stream=httpx2.ByteStream(b""), request=REQUEST)
        again = LLM.error_from_exception(sdk_error(sdk, unread, unwrapped))
        assert (type(again), again.retryable) == row


def test_answers_headers_count_in_an_sdks_error() -> None:
    """Waits, vetoes and the provider's id."""
    headers = {"retry-after": "7", "x-should-retry": "false", "x-request-id": "up-3"}
    error = LLM.error_from_exception(sdk_error(openai, response(503, {}, **headers), {}))
    assert (error.retry_after, error.retryable) == (7, False)
    assert details(error).request_id == "up-3"


@pytest.mark.parametrize(
    ("exc", "row"),
    [
        (anthropic.APIStatusError("x", response=response(200), body={"type": "error", "error": {"type": "overloaded_error"}}), (503, True)),
        (anthropic.APIStatusError("x", response=response(200), body={"type": "error", "error": {"type": "rate_limit_error"}}), (429, True)),
        (openai.APIError("x", request=REQUEST, body={"type": "server_error", "code": None}), (503, True)),
        (openai.APIError("x", request=REQUEST, body={"code": "insufficient_quota"}), (500, False)),
        (openai.APIError("x", request=REQUEST, body={"code": "context_length_exceeded"}), (413, False)),
        (openai.APIError("x", request=REQUEST, body={}), (500, False)),
        (openai.APIError("x", request=REQUEST, body=None), (500, False)),
        (openai.APIError("x", request=REQUEST, body="text"), (500, False)),
        (openai.APIResponseValidationError(response=response(200), body={"x": 1}), (500, False)),
    ],
    ids=lambda value: f"{type(value).__name__}-{getattr(value, 'body', value)}",
)  # fmt: skip
def test_error_inside_a_stream_is_judged_by_its_words(
    exc: Exception, row: tuple[int, bool]
) -> None:
    """The status of the exception is the stream's 200, or there is none."""
    error = LLM.error_from_exception(exc)
    assert (error.status, error.retryable) == row


@pytest.mark.parametrize(
    ("status", "row"), [(404, (500, False)), (503, (503, True)), (302, (500, False))]
)
def test_status_errors_of_the_clients(status: int, row: tuple[int, bool]) -> None:
    """`raise_for_status` of httpx2, httpx, requests, and aiohttp's."""
    old = httpx.Response(status, request=httpx.Request("GET", "http://up.test"))
    plain = requests.Response()
    plain.status_code = status
    for exc in (
        httpx2.HTTPStatusError("x", request=REQUEST, response=response(status)),
        httpx.HTTPStatusError("x", request=old.request, response=old),
        requests.HTTPError("x", response=plain),
        aiohttp.ClientResponseError(LOOSE, (), status=status),
    ):
        error = UP.error_from_exception(exc)
        assert (error.status, error.retryable) == row
        assert details(error).status == status


def test_exceptions_with_an_answer_that_is_none() -> None:
    """A proxy's 502 is not the upstream's; a success that is no JSON is no success."""
    proxy = aiohttp.ClientHttpProxyError(LOOSE, (), status=502)
    assert details(UP.error_from_exception(proxy)).category == "broken"
    content = aiohttp.ContentTypeError(LOOSE, (), status=200)
    assert details(UP.error_from_exception(content)).category == "broken"
    assert details(UP.error_from_exception(requests.HTTPError("x"))).category == "broken"
