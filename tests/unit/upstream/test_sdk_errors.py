"""What SDKs and clients raise for an answer, and for an error inside a stream."""

# ruff: noqa: E501 - a row of a table stands on one line

from __future__ import annotations

import json
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


class FilledIn(Exception):
    """An SDK's exception: what it holds is set on it."""


def lookalike(module: str, name: str, *bases: type[Exception], **held: object) -> Exception:
    """Return an exception as an SDK makes it that is not installed here."""
    cls: Any = type(name, bases or (FilledIn,), {"__module__": module})
    exc: Exception = cls.__new__(cls)
    for key, value in held.items():
        setattr(exc, key, value)
    return exc


def litellm(name: str, status: int, message: str, **held: Any) -> Exception:
    """Return an exception of LiteLLM's (1.110), whose answer is made up and empty."""
    empty = httpx.Response(status, request=httpx.Request("POST", "https://litellm.ai"))
    said = {"status_code": status, "message": message, "response": empty, "body": None, **held}
    return lookalike("litellm.exceptions", name, openai.BadRequestError, **said)


TOO_LONG_TEXT = "too many tokens: size limit exceeded by 9 tokens"
QUOTED = '{"type": "error", "error": {"type": "%s", "message": "x"}}'
RETRY = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "17s"}]
FILTERED = openai.ContentFilterFinishReasonError()
LENGTH = lookalike("openai", "LengthFinishReasonError", openai.OpenAIError)


@pytest.mark.parametrize(
    ("exc", "row", "wait"),
    [
        (FILTERED, (422, "content_policy_violation", "broken"), None),
        (LENGTH, (413, "payload_too_large", "broken"), None),
        (litellm("ContextWindowExceededError", 400, "litellm.ContextWindowExceededError: x"), (413, "payload_too_large", "rejected"), None),
        (litellm("ContentPolicyViolationError", 400, "x"), (422, "content_policy_violation", "rejected"), None),
        (litellm("BadRequestError", 400, f'litellm.BadRequestError: MistralException - {{"message": "{TOO_LONG_TEXT}"}} Received Model Group=m'), (413, "payload_too_large", "rejected"), None),
        (litellm("BadRequestError", 400, f"litellm.BadRequestError: AnthropicException - {QUOTED % 'billing_error'}"), (500, "internal", "account"), None),
        (litellm("RateLimitError", 429, f"litellm.RateLimitError: GeminiException - {json.dumps({'error': {'details': RETRY}})}"), (429, "too_many_requests", "throttled"), 17),
        (litellm("RateLimitError", 429, "x", body={"code": "insufficient_quota"}), (500, "internal", "account"), None),
        (litellm("InternalServerError", 500, "x", litellm_response_headers={"Retry-After": "3"}), (503, "service_unavailable", "unavailable"), 3),
        (lookalike("litellm.exceptions", "BudgetExceededError", status_code=400), (500, "internal", "rejected"), None),
        (lookalike("google.genai.errors", "APIError", code=429, status="RESOURCE_EXHAUSTED", details={"error": {"code": 429, "details": RETRY}}, response=None), (429, "too_many_requests", "throttled"), 17),
        (lookalike("google.genai.errors", "UnknownApiResponseError"), (500, "internal", "broken"), None),
        (lookalike("mistralai.client.errors.sdkerror", "MistralError", status_code=400, body=json.dumps({"code": "context_length_exceeded"}), raw_response=response(400), headers={}), (413, "payload_too_large", "rejected"), None),
        (lookalike("mistralai.client.errors", "MistralError", status_code=429, body="", raw_response=response(429), headers={"retry-after": "4"}), (429, "too_many_requests", "throttled"), 4),
        (lookalike("mistralai.client.errors", "NoResponseError"), (503, "service_unavailable", "unavailable"), None),
        (lookalike("cohere.core.api_error", "ApiError", status_code=400, body={"message": TOO_LONG_TEXT}, headers={}), (413, "payload_too_large", "rejected"), None),
        (lookalike("cohere.core.api_error", "ApiError", status_code=503, body="Later", headers={"Retry-After": "2"}), (503, "service_unavailable", "unavailable"), 2),
        (lookalike("ollama._types", "ResponseError", status_code=404, error="no model"), (500, "internal", "rejected"), None),
        (lookalike("groq", "APIStatusError", status_code=503, response=response(503), body=None), (503, "service_unavailable", "unavailable"), None),
        (lookalike("fireworks", "APIStatusError", status_code=400, response=response(400, {"error": {"message": TOO_LONG_TEXT}}), body=None), (413, "payload_too_large", "rejected"), None),
        (lookalike("perplexity", "APIConnectionError"), (503, "service_unavailable", "unavailable"), None),
        (lookalike("zai.core._errors", "APIStatusError", status_code=429, response=response(429, {"error": {"code": "1302", "message": "x"}})), (429, "too_many_requests", "throttled"), None),
        (lookalike("zai.core._errors", "APIConnectionError"), (503, "service_unavailable", "unavailable"), None),
        (lookalike("azure.core.exceptions", "HttpResponseError", status_code=400, response=response(400, {"error": {"code": "content_filter", "message": "x"}})), (422, "content_policy_violation", "rejected"), None),
        (lookalike("azure.core.exceptions", "ServiceRequestError"), (503, "service_unavailable", "unavailable"), None),
        (lookalike("botocore.errorfactory", "ClientError", response={"Error": {"Code": "ThrottlingException", "Message": "x"}, "ResponseMetadata": {"HTTPStatusCode": 400, "HTTPHeaders": {}}}), (429, "too_many_requests", "throttled"), None),
        (lookalike("botocore.errorfactory", "ClientError", response={"Error": {"Code": "ValidationException", "Message": "The model returned the following errors: Input is too long for requested model."}, "ResponseMetadata": {"HTTPStatusCode": 400}}), (413, "payload_too_large", "rejected"), None),
        (lookalike("botocore.eventstream", "ClientError", response={"Error": {"Code": "throttlingException", "Message": "x"}}), (429, "too_many_requests", "throttled"), None),
        (lookalike("botocore.eventstream", "ClientError", response={"Error": "x", "ResponseMetadata": {"HTTPStatusCode": "x"}}), (500, "internal", "broken"), None),
        (lookalike("botocore.exceptions", "EndpointConnectionError"), (503, "service_unavailable", "unavailable"), None),
    ],
    ids=lambda value: f"{type(value).__module__}.{type(value).__name__}" if isinstance(value, Exception) else None,
)  # fmt: skip
def test_what_an_sdk_keeps_of_an_answer_is_judged(
    exc: Exception, row: tuple[int, str, str], wait: int | None
) -> None:
    """Whatever it calls it, and where it only quotes the answer in its message."""
    error = LLM.error_from_exception(exc)
    assert (error.status, error.code, details(error).category) == row
    assert error.retry_after == wait
    with pytest.raises(KaikoError), LLM.translate():
        raise exc


def test_an_opaque_upstreams_filter_is_a_rejection() -> None:
    """Its words do not pass."""
    for exc in (FILTERED, litellm("ContentPolicyViolationError", 400, "x")):
        error = UP.error_from_exception(exc)
        assert (error.status, error.code, error.retryable) == (500, "internal", False)


def test_a_message_that_would_take_long_is_not_read() -> None:
    """It may quote anything."""
    error = LLM.error_from_exception(litellm("BadRequestError", 400, "{" + "," * 5_000))
    assert details(error).category == "rejected"


def test_litellm_keeps_what_failed_in_a_stream() -> None:
    """Behind an exception with a status of its own, as the context of the next one."""
    body = {"code": "context_length_exceeded", "type": "invalid_request_error"}
    for origin, row in (
        (openai.APIError("x", request=REQUEST, body=body), (413, "payload_too_large")),
        (PayloadTooLargeError("m"), (413, "payload_too_large")),
        (ValueError("x"), (503, "service_unavailable")),
    ):
        middle = litellm("APIConnectionError", 500, "litellm.APIConnectionError: x")
        outer = litellm("MidStreamFallbackError", 503, "litellm.MidStreamFallbackError: x")
        outer.__context__, middle.__context__ = middle, origin
        error = LLM.error_from_exception(outer)
        assert (error.status, error.code) == row
