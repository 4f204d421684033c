"""What providers answer when they fail, in their own shapes.

Ids, names and amounts are made up. The shapes are those that `kaiko_middleware.upstream` is tested
with.
"""

# ruff: noqa: E501 - a row of a table stands on one line

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["HOSTS", "NO_ANSWER", "SAMPLES", "Failure", "Provider", "Sample"]

Provider = Literal[
    "anthropic",
    "azure",
    "bedrock",
    "cohere",
    "deepseek",
    "dynamodb",
    "gemini",
    "github",
    "groq",
    "huggingface",
    "mistral",
    "ollama",
    "openai",
    "openrouter",
    "slack",
    "stripe",
]
Failure = Literal[
    "bad_key",
    "cut_short",
    "filtered",
    "in_stream",
    "out_of_quota",
    "overloaded",
    "rate_limited",
    "rejected",
    "timeout",
    "too_long",
    "unreachable",
]
NO_ANSWER: tuple[Failure, ...] = ("cut_short", "timeout", "unreachable")
"""What every provider can do: the connection fails."""

HOSTS: Mapping[Provider, tuple[str, ...]] = {
    "anthropic": ("api.anthropic.com",),
    "azure": (".openai.azure.com", ".services.ai.azure.com"),
    "bedrock": ("bedrock-runtime.",),
    "cohere": ("api.cohere.com", "api.cohere.ai"),
    "deepseek": ("api.deepseek.com",),
    "dynamodb": ("dynamodb.",),
    "gemini": ("generativelanguage.googleapis.com", "aiplatform.googleapis.com"),
    "github": ("api.github.com",),
    "groq": ("api.groq.com",),
    "huggingface": ("router.huggingface.co", "api-inference.huggingface.co"),
    "mistral": ("api.mistral.ai",),
    "ollama": ("localhost:11434", "127.0.0.1:11434", "ollama.com"),
    "openai": ("api.openai.com",),
    "openrouter": ("openrouter.ai",),
    "slack": ("slack.com",),
    "stripe": ("api.stripe.com",),
}
"""Where each is found: a host, or with a dot at its start or end the rest or the start of one."""


class Sample(NamedTuple):
    """One answer."""

    status: int
    body: bytes
    headers: Mapping[str, str]


def _json(status: int, body: object, **headers: str) -> Sample:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Sample(status, json.dumps(body).encode(), {"content-type": "application/json", **named})


def _openai(
    status: int, message: str, kind: str | None, code: str | int | None, **headers: str
) -> Sample:
    body = {"error": {"message": message, "type": kind, "param": None, "code": code}}
    return _json(status, body, **headers)


def _anthropic(status: int, kind: str, message: str, **headers: str) -> Sample:
    error = {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_011"}
    return _json(status, error, request_id="req_011", **headers)


def _google(status: int, name: str, message: str, *details: object) -> Sample:
    return _json(
        status,
        {"error": {"code": status, "message": message, "status": name, "details": [*details]}},
    )


def _aws(status: int, kind: str, message: str) -> Sample:
    return _json(status, {"message": message}, x_amzn_errortype=kind, x_amzn_requestid="0c9e-1")


def _dynamodb(kind: str, message: str) -> Sample:
    return _json(400, {"__type": f"com.amazonaws.dynamodb.v20120810#{kind}", "message": message})


def _events(*events: tuple[str, object]) -> Sample:
    named = ((f"event: {name}\n" if name else "", json.dumps(data)) for name, data in events)
    body = "".join(f"{name}data: {data}\n\n" for name, data in named)
    return Sample(200, body.encode(), {"content-type": "text/event-stream"})


_CHUNK = {
    "id": "chatcmpl-1",
    "object": "chat.completion.chunk",
    "created": 1760000000,
    "model": "m",
    "choices": [{"index": 0, "delta": {"content": "Hi"}, "finish_reason": None}],
}
_STARTED: Mapping[str, object] = {
    "type": "message_start",
    "message": {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": 1, "output_tokens": 1},
    },
}
_RETRY = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "17.3s"}
_BAD_KEY = {
    "@type": "type.googleapis.com/google.rpc.ErrorInfo",
    "reason": "API_KEY_INVALID",
    "domain": "googleapis.com",
}

SAMPLES: Mapping[Provider, Mapping[Failure, Sample]] = {
    "anthropic": {
        "bad_key": _anthropic(401, "authentication_error", "invalid x-api-key"),
        "filtered": _anthropic(400, "invalid_request_error", "Output blocked by content filtering policy"),
        "in_stream": _events(("message_start", _STARTED), ("error", {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}})),
        "out_of_quota": _anthropic(400, "billing_error", "Your credit balance is too low"),
        "overloaded": _anthropic(529, "overloaded_error", "Overloaded", x_should_retry="true"),
        "rate_limited": _anthropic(429, "rate_limit_error", "This request would exceed your rate limit", retry_after="31"),
        "rejected": _anthropic(400, "invalid_request_error", "messages: at least one message is required"),
        "too_long": _anthropic(400, "invalid_request_error", "prompt is too long: 250000 tokens > 200000 maximum"),
    },
    "azure": {
        "bad_key": _json(401, {"error": {"code": "401", "message": "Access denied due to invalid subscription key"}}),
        "filtered": _json(400, {"error": {"message": "The response was filtered", "type": None, "param": "prompt", "code": "content_filter", "status": 400, "innererror": {"code": "ResponsibleAIPolicyViolation"}}}),
        "overloaded": _json(503, {"error": {"code": "InternalServerError", "message": "The service is temporarily unable to process your request"}}),
        "rate_limited": _json(429, {"error": {"code": "429", "message": "Please retry after 8 seconds."}}, retry_after_ms="7200", retry_after="8"),
        "rejected": _json(404, {"error": {"code": "DeploymentNotFound", "message": "The API deployment does not exist"}}),
        "too_long": _openai(400, "This model's maximum context length is 8192 tokens", "invalid_request_error", "context_length_exceeded"),
    },
    "bedrock": {
        "bad_key": _aws(403, "UnrecognizedClientException", "The security token included in the request is invalid."),
        "filtered": _aws(400, "ValidationException", "The model returned the following errors: Output blocked by content filtering policy"),
        "overloaded": _aws(503, "ServiceUnavailableException", "Bedrock is unable to process your request."),
        "rate_limited": _aws(429, "ThrottlingException", "Too many requests, please wait before trying again."),
        "rejected": _aws(400, "ValidationException", "Malformed input request: expected type: Number"),
        "too_long": _aws(400, "ValidationException", "Input is too long for requested model."),
    },
    "cohere": {
        "bad_key": _json(401, {"message": "invalid api token"}),
        "overloaded": _json(503, {"message": "the service is temporarily unavailable"}),
        "rate_limited": _json(429, {"message": "You are using a trial key, which is limited to 40 calls a minute"}),
        "rejected": _json(400, {"message": "invalid request: message must be at least 1 token long"}),
        "too_long": _json(400, {"message": "too many tokens: size limit exceeded by 11326 tokens"}),
    },
    "deepseek": {
        "bad_key": _openai(401, "Authentication Fails, your api key is invalid", "authentication_error", "invalid_request_error"),
        "filtered": _openai(400, "Content Exists Risk", "invalid_request_error", "invalid_request_error"),
        "out_of_quota": _openai(402, "Insufficient Balance", "unknown_error", "invalid_request_error"),
        "overloaded": _openai(503, "Service is too busy", "service_unavailable_error", None),
        "too_long": _openai(400, "This model's maximum context length is 131072 tokens. However, you requested 141980 tokens", "invalid_request_error", "invalid_request_error"),
    },
    "dynamodb": {
        "bad_key": _json(400, {"__type": "com.amazon.coral.service#UnrecognizedClientException", "message": "The security token included in the request is invalid."}),
        "overloaded": _json(500, {"__type": "com.amazon.coral.service#InternalServerError", "message": "Internal server error"}),
        "rate_limited": _dynamodb("ProvisionedThroughputExceededException", "The level of configured throughput was exceeded"),
        "rejected": _dynamodb("ConditionalCheckFailedException", "The conditional request failed"),
    },
    "gemini": {
        "bad_key": _google(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.", _BAD_KEY),
        "filtered": _json(200, {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "usageMetadata": {"promptTokenCount": 9}}),
        "in_stream": _events(("", {"candidates": [{"content": {"parts": [{"text": "Hi"}]}, "index": 0}]}), ("", {"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}})),
        "overloaded": _google(503, "UNAVAILABLE", "The model is overloaded. Please try again later."),
        "rate_limited": _google(429, "RESOURCE_EXHAUSTED", "You exceeded your current rate", _RETRY),
        "rejected": _google(400, "INVALID_ARGUMENT", "Invalid value at 'contents'"),
        "too_long": _google(400, "INVALID_ARGUMENT", "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576)."),
    },
    "github": {
        "bad_key": _json(401, {"message": "Bad credentials", "documentation_url": "https://docs.github.com/rest", "status": "401"}),
        "overloaded": _json(503, {"message": "No server is currently available to service your request."}),
        "rate_limited": _json(403, {"message": "You have exceeded a secondary rate limit."}, retry_after="60", x_ratelimit_remaining="14"),
        "rejected": _json(422, {"message": "Validation Failed", "errors": [{"resource": "Issue", "field": "title", "code": "missing_field"}], "status": "422"}),
    },
    "groq": {
        "bad_key": _openai(401, "Invalid API Key", "invalid_request_error", "invalid_api_key"),
        "overloaded": _openai(503, "Service unavailable", "internal_server_error", None),
        "rate_limited": _openai(429, "Rate limit reached for model. Please try again in 7.66s", "tokens", "rate_limit_exceeded", retry_after="7.66"),
        "too_long": _openai(413, "Request too large for model `m` on tokens per minute (TPM): Limit 6000, Requested 12328", "tokens", "rate_limit_exceeded"),
    },
    "huggingface": {
        "bad_key": _json(401, {"error": "Invalid username or password."}),
        "overloaded": _json(503, {"error": "Model is currently loading", "estimated_time": 20.4}),
        "rate_limited": _json(429, {"error": "Model is overloaded", "error_type": "overloaded"}),
        "too_long": _json(422, {"error": "Input validation error: `inputs` must have less than 1024 tokens. Given: 2000", "error_type": "validation"}),
    },
    "mistral": {
        "bad_key": _json(401, {"detail": "Unauthorized"}),
        "overloaded": _json(503, {"object": "error", "message": "Service unavailable.", "type": "internal_server_error", "code": "1100"}),
        "rate_limited": _json(429, {"object": "error", "message": "Rate limit exceeded", "type": "rate_limited", "code": "1300"}),
        "rejected": _json(422, {"detail": [{"loc": ["body", "messages"], "msg": "field required", "input": "…"}]}),
        "too_long": _json(400, {"object": "error", "message": "Prompt contains 40000 tokens, too large for model with 32768 maximum context length", "type": "invalid_request_error", "code": 3051}),
    },
    "ollama": {
        "overloaded": _json(503, {"error": "server busy, please try again. maximum pending requests exceeded"}),
        "rejected": _json(404, {"error": "model 'llama9' not found, try pulling it first"}),
        "too_long": _json(400, {"error": "the input length exceeds the context length"}),
    },
    "openai": {
        "bad_key": _openai(401, "Incorrect API key provided", "invalid_request_error", "invalid_api_key"),
        "filtered": _openai(400, "Your request was rejected by our safety system", "image_generation_user_error", "moderation_blocked"),
        "in_stream": _events(("", _CHUNK), ("", {"error": {"message": "The server had an error", "type": "server_error", "param": None, "code": None}})),
        "out_of_quota": _openai(429, "You exceeded your current quota", "insufficient_quota", "insufficient_quota"),
        "overloaded": _openai(503, "The engine is currently overloaded", "server_error", None, x_should_retry="true"),
        "rate_limited": _openai(429, "Rate limit reached for gpt-4", "tokens", "rate_limit_exceeded", retry_after="2", x_ratelimit_limit_tokens="9000"),
        "rejected": _openai(404, "The model `gpt-9` does not exist", "invalid_request_error", "model_not_found"),
        "too_long": _openai(400, "Your input exceeds the context window of this model.", "invalid_request_error", "context_length_exceeded"),
    },
    "openrouter": {
        "bad_key": _json(401, {"error": {"message": "No auth credentials found", "code": 401}}),
        "out_of_quota": _json(402, {"error": {"message": "This request requires more credits", "code": 402}}),
        "overloaded": _json(502, {"error": {"message": "Provider returned error", "code": 502, "metadata": {"raw": "upstream error", "provider_name": "P"}}}),
        "rate_limited": _json(429, {"error": {"message": "Rate limit exceeded: free-models-per-min", "code": 429}}),
        "too_long": _json(400, {"error": {"message": "Provider returned error", "code": 400, "metadata": {"raw": "This model's maximum context length is 8192 tokens. However, you requested 8246", "provider_name": "P"}}}),
    },
    "slack": {
        "bad_key": _json(403, {"ok": False, "error": "invalid_auth"}),
        "overloaded": _json(200, {"ok": False, "error": "fatal_error"}),
        "rate_limited": _json(200, {"ok": False, "error": "ratelimited"}, retry_after="1"),
        "rejected": _json(200, {"ok": False, "error": "channel_not_found"}),
    },
    "stripe": {
        "bad_key": _json(401, {"error": {"message": "Invalid API Key provided", "type": "invalid_request_error"}}),
        "overloaded": _json(500, {"error": {"type": "api_error", "message": "An unexpected error occurred"}}),
        "rate_limited": _json(429, {"error": {"type": "invalid_request_error", "code": "rate_limit", "message": "Too many requests"}}),
        "rejected": _json(402, {"error": {"type": "card_error", "code": "card_declined", "message": "Your card was declined"}}),
    },
}  # fmt: skip
