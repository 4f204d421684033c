"""What upstreams say when they fail, in their own shapes, and whose fault that is.

Written for these tests after the providers' public documentation; names, ids and texts are
made up. `secret` is what no caller may ever see of it.
"""

# ruff: noqa: E501 - a row of a table stands on one line

from __future__ import annotations

import gzip
import json
import zlib
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from kaiko_middleware.upstream import Category

Headers = dict[str, str]

JSON: Headers = {"content-type": "application/json"}
HTML: Headers = {"content-type": "text/html"}
SSE: Headers = {"content-type": "text/event-stream"}
TEXT: Headers = {"content-type": "text/plain"}


class Case(NamedTuple):
    """One answer: what it means to an opaque upstream's caller, and to an LLM provider's.

    `category` is None for an answer that is no error; `llm` the code that the caller of an
    LLM provider gets, or the category of what only counts as an error there, where that differs;
    `wait` the seconds that are passed on; `source` who reported such an answer.
    """

    name: str
    status: int
    body: object
    category: Category | None
    headers: Headers = JSON
    llm: str | None = None
    wait: int | None = None
    retry: bool | None = None
    secret: tuple[str, ...] = ()
    source: str = ""

    @property
    def raw(self) -> bytes:
        """The body as it comes over the wire."""
        if isinstance(self.body, bytes):
            return self.body
        return self.body.encode() if isinstance(self.body, str) else json.dumps(self.body).encode()


def openai(message: str, kind: str | None, code: str | int | None) -> object:
    """Return a body of OpenAI's, and of the many who speak like it."""
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def anthropic(kind: str, message: str) -> object:
    """Return a body of Anthropic's."""
    return {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_018"}


def google(code: int, status: str, message: str, *details: object) -> object:
    """Return a body of Google's."""
    error = {"code": code, "message": message, "status": status, "details": list(details)}
    return {"error": error}


def sse(*events: object, end: str = "\n\n") -> bytes:
    """Return a stream of events; a pair is a name and its data."""
    parts: list[str] = []
    for event in events:
        name, data = event if isinstance(event, tuple) else ("", event)
        text = data if isinstance(data, str) else json.dumps(data)
        parts.append((f"event: {name}\n" if name else "") + f"data: {text}{end}")
    return "".join(parts).encode()


CHUNK = {
    "object": "chat.completion.chunk",
    "choices": [{"delta": {"content": "Hi"}, "finish_reason": None}],
}
LAST = {"object": "chat.completion.chunk", "choices": [{"delta": {}, "finish_reason": "stop"}]}
GEMINI = {"candidates": [{"content": {"parts": [{"text": "Hi"}]}, "index": 0}]}
RETRY_INFO = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "17.3s"}
KEY_REFUSED = {
    "@type": "type.googleapis.com/google.rpc.ErrorInfo",
    "reason": "API_KEY_INVALID",
    "domain": "googleapis.com",
}
ENVELOPE = {
    "error": {
        "type": "invalid_request_error",
        "code": "invalid_role",
        "message": "Use a role",
        "param": "messages[0].role",
        "request_id": "req-0123456789",
    }
}

PROVIDERS: list[Case] = [
    Case("openai key", 401, openai("Incorrect API key provided: sk-abc***wxyz", "invalid_request_error", "invalid_api_key"), "account", secret=("sk-abc", "Incorrect")),
    Case("openai quota", 429, openai("You exceeded your current quota", "insufficient_quota", "insufficient_quota"), "account", secret=("quota",)),
    Case("openai spend limit", 429, openai("Limit hit", None, "project_spend_limit_exceeded"), "account"),
    Case("openai per minute", 429, openai("Rate limit reached for gpt-4 in organization org-77", "tokens", "rate_limit_exceeded"), "throttled", {**JSON, "retry-after": "2", "x-ratelimit-limit-tokens": "9"}, wait=2, secret=("org-77",)),
    Case("openai too long", 400, openai("Your input exceeds the context", "invalid_request_error", "context_length_exceeded"), "rejected", llm="payload_too_large"),
    Case("openai policy", 400, openai("Your request was rejected by our safety system", "image_generation_user_error", "moderation_blocked"), "rejected", llm="content_policy_violation", secret=("safety",)),
    Case("openai bad parameter", 400, openai("Unknown parameter: 'foo'.", "invalid_request_error", "unknown_parameter"), "rejected", secret=("foo",)),
    Case("openai no model", 404, openai("The model `gpt-9` does not exist", "invalid_request_error", "model_not_found"), "rejected", secret=("gpt-9",)),
    Case("openai overloaded", 503, openai("Overloaded", "server_error", None), "unavailable", {**JSON, "x-should-retry": "true"}),
    Case("anthropic key", 401, anthropic("authentication_error", "invalid x-api-key"), "account", secret=("x-api-key",)),
    Case("anthropic billing", 400, anthropic("billing_error", "Your credit balance is too low"), "account", secret=("credit",)),
    Case("anthropic permission", 403, anthropic("permission_error", "Not yours"), "account"),
    Case("anthropic too large", 413, anthropic("request_too_large", "Request exceeds the maximum size"), "rejected", llm="payload_too_large"),
    Case("anthropic too long", 400, anthropic("invalid_request_error", "prompt is too long: 250000 tokens > 200000 maximum"), "rejected", llm="payload_too_large", secret=("250000",)),
    Case("anthropic output blocked", 400, anthropic("invalid_request_error", "Output blocked by content filtering policy"), "rejected", llm="content_policy_violation"),
    Case("anthropic quotes a length", 400, anthropic("invalid_request_error", "messages.0: 'prompt is too long: 1' is no role"), "rejected"),
    Case("anthropic throttled", 429, anthropic("rate_limit_error", "Slow down"), "throttled", {**JSON, "retry-after": "31"}, wait=31),
    Case("anthropic overloaded", 529, anthropic("overloaded_error", "Overloaded"), "unavailable", {**JSON, "x-should-retry": "true", "request-id": "req_018"}),
    Case("google key", 400, google(400, "INVALID_ARGUMENT", "API key not valid", KEY_REFUSED), "account", secret=("API key not",)),
    Case("google throttled", 429, google(429, "RESOURCE_EXHAUSTED", "Try again in 9 hours", RETRY_INFO), "throttled", wait=18),
    Case("google list of one", 503, [google(503, "UNAVAILABLE", "The model is overloaded")], "unavailable"),
    Case("google list of one, quota", 429, [google(429, "QUOTA_EXHAUSTED", "No more")], "account"),
    Case("google too long", 400, google(400, "INVALID_ARGUMENT", "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576)."), "rejected", llm="payload_too_large"),
    Case("bedrock throttled", 429, {"message": "Too many requests, please wait before trying again."}, "throttled", {**JSON, "x-amzn-errortype": "ThrottlingException", "x-amzn-requestid": "b-1"}),
    Case("bedrock validation", 400, {"message": "Malformed input request: expected type: Number"}, "rejected", {**JSON, "x-amzn-errortype": "ValidationException"}, secret=("Malformed",)),
    Case("bedrock too long", 400, {"message": "Input is too long for requested model."}, "rejected", llm="payload_too_large"),
    Case("bedrock 503", 503, {"message": "Later"}, "unavailable", {**JSON, "x-amz-retry-after": "2001"}, wait=3),
    Case("azure filter", 400, {"error": {"message": "The response was filtered", "type": None, "param": "prompt", "code": "content_filter", "status": 400, "innererror": {"code": "ResponsibleAIPolicyViolation"}}}, "rejected", llm="content_policy_violation"),
    Case("azure throttled", 429, {"error": {"code": "429", "message": "Please retry after 8 seconds."}}, "throttled", {**JSON, "retry-after-ms": "7200", "retry-after": "99"}, wait=8),
    Case("azure no deployment", 404, {"error": {"code": "DeploymentNotFound", "message": "The API deployment does not exist"}}, "rejected"),
    Case("mistral too long", 400, {"object": "error", "message": "Prompt contains 40000 tokens, too large for model with 32768 maximum context length", "type": "invalid_request_error", "code": 3051}, "rejected", llm="payload_too_large"),
    Case("mistral validation", 422, {"detail": [{"loc": ["body", "messages"], "msg": "field required", "input": "hunter2"}]}, "rejected", secret=("hunter2",)),
    Case("groq throttled", 429, openai("Rate limit reached for model. Please try again in 7.66s", "tokens", "rate_limit_exceeded"), "throttled", {**JSON, "retry-after": "7.66"}, wait=8),
    Case("groq capacity", 498, openai("Flex tier capacity exceeded", "capacity_exceeded", "capacity_exceeded"), "rejected"),
    Case("cohere key", 401, {"message": "invalid api token"}, "account", secret=("token",)),
    Case("cohere too long", 400, {"message": "too many tokens: size limit exceeded by 11326 tokens"}, "rejected", llm="payload_too_large"),
    Case("tgi too long", 422, {"error": "Input validation error: `inputs` must have less than 1024 tokens. Given: 2000", "error_type": "validation"}, "rejected", llm="payload_too_large"),
    Case("tgi overloaded", 429, {"error": "Model is overloaded", "error_type": "overloaded"}, "throttled"),
    Case("hugging face loads", 503, {"error": "Model is currently loading", "estimated_time": 20.4}, "unavailable", wait=21),
    Case("ollama no model", 404, {"error": "model 'llama9' not found, try pulling it first"}, "rejected", secret=("llama9",)),
    Case("vllm too long", 400, {"object": "error", "message": "This model's maximum context length is 4096 tokens. However, you requested 5000", "type": "BadRequestError", "param": None, "code": 400}, "rejected", llm="payload_too_large"),
    Case("llama.cpp too long", 400, {"error": {"code": 400, "message": "the request exceeds the available context size", "type": "exceed_context_size_error", "n_ctx": 4096}}, "rejected", llm="payload_too_large"),
    Case("deepseek risk", 400, openai("Content Exists Risk", "invalid_request_error", "invalid_request_error"), "rejected", llm="content_policy_violation"),
    Case("deepseek no money", 402, openai("Insufficient Balance", "unknown_error", "invalid_request_error"), "account", secret=("Balance",)),
    Case("stripe declined", 402, {"error": {"type": "card_error", "code": "card_declined", "message": "Your card was declined"}}, "account", secret=("card",)),
    Case("stripe lock", 409, {"error": {"type": "invalid_request_error", "code": "lock_timeout"}}, "unavailable", {**JSON, "stripe-should-retry": "true"}),
    Case("stripe in vain", 500, {"error": {"type": "api_error"}}, "unavailable", {**JSON, "stripe-should-retry": "false"}, retry=False),
    Case("refusal in a 500", 500, openai("Long", "server_error", "context_length_exceeded"), "unavailable"),
    Case("vertex too long", 400, {"error": {"code": 400, "message": "Unable to submit request because the input token count is 1251952 but", "status": "INVALID_ARGUMENT"}}, "rejected", llm="payload_too_large"),
]  # fmt: skip

SERVERS: list[Case] = [
    Case("nginx 502", 502, "<html>\r\n<head><title>502 Bad Gateway</title></head></html>", "unavailable", HTML, secret=("Gateway",)),
    Case("nginx 499", 499, "", "unavailable", {}),
    Case("nginx 413", 413, "<h1>413 Request Entity Too Large</h1>", "rejected", HTML, llm="payload_too_large"),
    Case("nginx 494", 494, "", "rejected", {}),
    Case("envoy reset", 503, "upstream connect error or disconnect/reset before headers. reset reason: overflow", "unavailable", {**TEXT, "server": "envoy"}, secret=("overflow",)),
    Case("envoy no route", 404, "", "rejected", {"server": "envoy"}),
    Case("cloudflare 524", 524, "error code: 524", "unavailable", {**TEXT, "cf-ray": "8e-FRA"}),
    Case("cloudflare 526", 526, "error code: 526", "broken", TEXT),
    Case("cloudflare 1015", 429, "error code: 1015", "throttled", {**TEXT, "retry-after": "60"}, wait=60),
    Case("cloudflare api", 400, {"success": False, "errors": [{"code": 10000, "message": "Authentication error"}], "result": None}, "rejected"),
    Case("fastapi", 404, {"detail": "Not Found"}, "rejected"),
    Case("drf throttled", 429, {"detail": "Request was throttled. Expected available in 9 seconds."}, "throttled"),
    Case("spring", 500, {"timestamp": "2026-01-01", "status": 500, "error": "Internal Server Error", "trace": "com.acme.Secret"}, "unavailable", secret=("acme",)),
    Case("problem+json", 503, {"type": "about:blank", "title": "Later", "status": 503, "retry_after": 4}, "unavailable", {"content-type": "application/problem+json"}, wait=4),
    Case("discord", 429, {"message": "You are being rate limited.", "retry_after": 64.57, "global": False}, "throttled", wait=65),
    Case("oauth", 400, {"error": "invalid_grant", "error_description": "Expired"}, "rejected"),
    Case("word in prose", 429, {"message": "insufficient_quota or invalid_api_key?"}, "throttled"),
    Case("word as part", 400, {"code": "invalid_api_keys"}, "rejected"),
    Case("word elsewhere", 429, {"error": {"innererror": {"code": "insufficient_quota"}, "param": "billing_error"}}, "throttled"),
    Case("word in details object", 429, {"error": {"details": {"reason": "organization_on_hold"}}}, "account"),
    Case("word under error_code", 400, {"error_code": "credit_balance_exhausted"}, "account"),
    Case("word on a 500", 500, {"error": {"type": "authentication_error"}}, "unavailable"),
    Case("word on a 404", 404, {"error": {"type": "permission_error"}}, "rejected"),
    Case("list of two", 429, [{"code": "insufficient_quota"}, {}], "throttled"),
    Case("list of lists", 429, [[{"code": "insufficient_quota"}]], "throttled"),
    Case("token in a list", 400, {"error": {"code": ["invalid_api_key"], "type": {"x": 1}}}, "rejected"),
    Case("own envelope", 400, ENVELOPE, "rejected", secret=("Use a role", "req-0123456789")),
    Case("moved", 302, "", "broken", {"location": "https://login.example/?token=x", "retry-after": "3"}),
    Case("not modified", 304, "", None, {}),
    Case("early data", 425, "", "unavailable", {}),
    Case("misdirected", 421, "", "unavailable", {"retry-after": "1"}, wait=1),
    Case("proxy", 407, "", "account", {"proxy-authenticate": "Basic"}),
    Case("not implemented", 501, "", "broken", {}),
    Case("loop", 508, "", "broken", {}),
    Case("storage", 507, "", "unavailable", {}),
    Case("699", 699, "", "broken", {}),
    Case("1000", 1000, "", "broken", {}),
    Case("nothing", 0, "", "broken", {}),
    Case("below nothing", -1, "", "broken", {}),
    Case("early hints", 103, "", None, {}),
    Case("everything to hide", 401, {"error": "no"}, "account", {"set-cookie": "sid=1", "www-authenticate": "Bearer realm=up", "access-control-allow-origin": "*", "server": "up", "x-ratelimit-limit": "5", "x-request-id": "up-1"}, secret=("sid=1", "realm", "up-1", "up")),
    Case("retry vetoed", 429, "", "throttled", {"x-should-retry": "FALSE", "retry-after": "5"}, wait=5, retry=False),
    Case("vetoed twice", 503, "", "unavailable", {"x-should-retry": "false, false"}, retry=False),
    Case("unsure", 503, "", "unavailable", {"x-should-retry": "maybe", "stripe-should-retry": "false"}, retry=False),
    Case("lifted", 404, "", "unavailable", {"x-should-retry": " true "}),
    Case("account is not lifted", 401, "", "account", {"x-should-retry": "true"}),
    Case("broken is not lifted", 501, "", "broken", {"x-should-retry": "true"}),
    Case("quota is not lifted", 429, {"code": "insufficient_quota"}, "account", {**JSON, "x-should-retry": "true", "retry-after": "5"}),
    Case("github, no date", 403, {"message": "API rate limit exceeded"}, "throttled", {**JSON, "x-ratelimit-remaining": "0", "x-ratelimit-reset": "60"}),
]  # fmt: skip

INSIDE: list[Case] = [
    Case("success", 200, {"id": "x", "choices": []}, None),
    Case("error is null", 200, {"error": None, "id": "x"}, None),
    Case("error is empty", 200, {"error": {}, "id": "x"}, None),
    Case("errors is empty", 200, {"success": True, "errors": [], "result": {}}, None),
    Case("partial graphql", 200, {"data": {"a": 1}, "errors": [{"message": "b failed"}]}, None),
    Case("failed graphql", 200, {"data": None, "errors": [{"message": "no"}]}, "broken"),
    Case("graphql without data", 200, {"errors": [{"message": "no"}]}, "broken"),
    Case("json-rpc", 200, {"jsonrpc": "2.0", "id": 1, "error": {"code": -32601, "message": "Method not found"}}, "broken", secret=("Method",)),
    Case("number inside", 200, {"error": {"code": 503, "message": "later", "type": "invalid_request_error"}}, "unavailable"),
    Case("number as text", 200, {"error": {"code": "429"}}, "throttled"),
    Case("number before word", 200, {"error": {"code": 404, "type": "overloaded_error"}}, "rejected"),
    Case("number with word", 200, {"error": {"code": 429, "type": "insufficient_quota"}}, "account"),
    Case("number out of range", 200, {"error": {"code": 700, "type": "overloaded_error"}}, "unavailable"),
    Case("true is no number", 200, {"error": {"code": True, "type": "timeout_error"}}, "unavailable"),
    Case("501 inside", 200, {"error": {"status": 501}}, "broken"),
    Case("word inside", 200, {"error": {"type": "invalid_request_error", "code": "rate_limit_exceeded"}}, "throttled"),
    Case("key inside", 200, {"error": {"type": "server_error", "code": "invalid_api_key"}}, "account"),
    Case("too long inside", 200, {"error": {"code": "context_length_exceeded"}}, "broken", llm="payload_too_large"),
    Case("object is error", 200, {"object": "error", "type": "timeout_error"}, "unavailable"),
    Case("object is a list", 200, {"object": ["error"]}, None),
    Case("status code inside", 200, {"StatusCode": 401, "body": ""}, "account"),
    Case("status code 500 inside", 200, {"StatusCode": 500}, None),
    Case("status code 200 inside", 200, {"StatusCode": 200}, None),
    Case("success is a list of one", 200, [{"error": {"code": 500}}], "unavailable"),
    Case("success is a list of two", 200, [{"error": {"code": 500}}, 1], None),
    Case("responses failed at once", 200, {"object": "response", "status": "failed", "error": {"code": "server_error", "message": "no"}}, "unavailable"),
    Case("responses went well", 200, {"object": "response", "status": "completed", "error": None}, None),
    Case("a number", 200, "42", None),
    Case("null", 200, "null", None),
    Case("empty", 200, "", "broken"),
    Case("blank", 200, " \r\n ", "broken"),
    Case("html", 200, "<html>Sign in</html>", "broken", HTML, secret=("Sign in",)),
    Case("html as json", 201, "<!doctype html>", "broken"),
    Case("large html", 200, "<html>" + "x" * 70_000, "broken", HTML),
    Case("large json", 200, "[" + "1," * 40_000 + "1]", None),
    Case("large json, packed", 200, gzip.compress(b"[" + b"1," * 40_000 + b"1]"), None, {**JSON, "content-encoding": "gzip"}),
    Case("large html, packed", 200, gzip.compress(b"<html>" + b" " * 90_000), "broken", {**HTML, "content-encoding": "gzip"}),
    Case("many parts", 200, "[" + "{}," * 4_000 + "{}]", None),
    Case("cut json", 200, '{"a": [1, 2', "broken"),
    Case("text", 200, "OK", "broken", TEXT),
    Case("no content", 204, "", None, {}),
    Case("reset content", 205, "", None, {}),
    Case("packed", 200, gzip.compress(b'{"error": {"code": 500}}'), "unavailable", {**JSON, "content-encoding": "gzip"}),
    Case("deflated", 200, zlib.compress(b'{"error": {"code": 500}}'), "unavailable", {**JSON, "content-encoding": "deflate"}),
    Case("unpacked already", 200, {"error": {"code": 500}}, "unavailable", {**JSON, "content-encoding": "gzip"}),
    Case("packed otherwise", 200, {"error": {"code": 500}}, "unavailable", {**JSON, "content-encoding": "br"}),
    Case("utf-16", 200, '{"error": {"code": 500}}'.encode("utf-16"), "unavailable"),
    Case("utf-16 without a mark", 200, '{"error": {"code": 500}}'.encode("utf-16-be"), "unavailable"),
    Case("utf-8 with a mark", 200, b"\xef\xbb\xbf" + b'{"error": {"code": 500}}', "unavailable"),
    Case("bogus charset", 200, {"error": {"code": 500}}, "unavailable", {"content-type": "application/json; charset=klingon"}),
    Case("slack, well", 200, {"ok": True, "error": "ratelimited"}, None, llm="broken"),
    Case("error of nothing but nothing", 200, {"error": {"code": 0, "message": "", "innererror": {"code": None}, "details": [None, 0]}}, None),
    Case("error with something inside", 200, {"error": {"code": None, "details": [{"code": "x"}]}}, "broken"),
    Case("errors of nothing", 200, {"errors": [None], "result": 1}, None),
]  # fmt: skip

STREAMS: list[Case] = [
    Case("whole", 200, sse(CHUNK, LAST, "[DONE]"), None, SSE),
    Case("done is enough", 200, sse(CHUNK, "[DONE]"), None, SSE),
    Case("a reason is enough", 200, sse(CHUNK, LAST), None, SSE),
    Case("a choice that is none", 200, sse({**CHUNK, "choices": [None, *CHUNK["choices"]]}, {**LAST, "choices": [None, *LAST["choices"]]}), None, SSE),
    Case("cut", 200, sse(CHUNK, CHUNK), "unavailable", SSE),
    Case("cut in a chunk", 200, sse(CHUNK) + b'data: {"object": "chat.compl', "unavailable", SSE),
    Case("cut before content", 200, sse({"type": "message_start", "message": {}}), "unavailable", SSE),
    Case("refusal of a failing server", 200, sse(openai("no", "server_error", "context_length_exceeded")), "unavailable", SSE, llm="payload_too_large"),
    Case("no llm", 200, sse({"tick": 1}, {"tick": 2}), None, SSE),
    Case("error first", 200, sse(("error", anthropic("overloaded_error", "Overloaded"))), "unavailable", SSE),
    Case("error later", 200, sse(CHUNK, openai("no", "server_error", None)), "unavailable", SSE),
    Case("error without a name", 200, sse({"type": "error", "error": {"type": "rate_limit_error"}}), "throttled", SSE),
    Case("error as text", 200, sse(("error", "something went wrong")), "broken", SSE, secret=("wrong",)),
    Case("error without data", 200, b"event: error\n\n", "broken", SSE),
    Case("error that is empty", 200, sse(("error", {})), "broken", SSE),
    Case("responses failed", 200, sse(("response.created", {"type": "response.created"}), {"type": "response.failed", "response": {"error": {"code": "rate_limit_exceeded"}}}), "throttled", SSE),
    Case("responses failed by name", 200, sse(("response.failed", {"response": {"error": {"code": "insufficient_quota"}}})), "account", SSE),
    Case("responses failed with nothing", 200, sse(("response.failed", "x")), "broken", SSE),
    Case("responses whole", 200, sse({"type": "response.created"}, {"type": "response.completed", "response": {"error": None}}), None, SSE),
    Case("responses error event", 200, sse({"type": "error", "code": "server_error", "message": "no"}), "unavailable", SSE),
    Case("anthropic whole", 200, sse({"type": "message_start"}, {"type": "ping"}, {"type": "message_stop"}), None, SSE),
    Case("too long in a stream", 200, sse(openai("no", None, "context_length_exceeded")), "broken", SSE, llm="payload_too_large"),
    Case("gemini whole", 200, sse(GEMINI, {"candidates": [{"content": {}, "finishReason": "STOP"}]}), None, SSE),
    Case("gemini cut", 200, sse(GEMINI), "unavailable", SSE),
    Case("cohere cut", 200, sse(("content-delta", {"type": "content-delta"})), "unavailable", SSE),
    Case("cohere whole", 200, sse({"type": "message-start"}, {"type": "message-end"}), None, SSE),
    Case("crlf", 200, sse(openai("no", "server_error", None), end="\r\n\r\n"), "unavailable", SSE),
    Case("cr", 200, sse(("error", anthropic("api_error", "no")), end="\r\r").replace(b"\n", b"\r"), "unavailable", SSE),
    Case("comments and a mark", 200, b"\xef\xbb\xbf: hello\n\n:\n\n" + sse(CHUNK, LAST), None, SSE),
    Case("comment first, no type", 200, b": OPENROUTER PROCESSING\n\n" + sse({"error": {"code": 502}}), "unavailable", {}),
    Case("data in lines", 200, b'data: {"error":\ndata:  {"code": 503}}\n\n', "unavailable", SSE),
    Case("no blank line at the end", 200, b'data: {"error": {"code": 503}}', "unavailable", SSE),
    Case("stream said to be json", 200, sse({"error": {"code": 503}}), "unavailable"),
    Case("json said to be a stream", 200, {"error": {"code": 503}}, "unavailable", SSE),
    Case("html said to be a stream", 200, "<html></html>", "broken", SSE),
    Case("nothing but comments", 200, b": ping\n\n: ping\n\n", "broken", SSE),
    Case("long and cut", 200, sse(*[CHUNK] * 400), "unavailable", SSE),
    Case("long and whole", 200, sse(*[CHUNK] * 400, LAST, "[DONE]"), None, SSE),
    Case("long and failed", 200, sse(*[CHUNK] * 400, openai("no", "server_error", None)), "unavailable", SSE),
    Case("long talk of errors", 200, sse(*[{**CHUNK, "x": "error"}] * 300, LAST), None, SSE),
    Case("over the limit", 200, sse(*[CHUNK] * 900), None, SSE),
    Case("over the limit and failed", 200, sse(("error", anthropic("api_error", "no")), *[CHUNK] * 900), "unavailable", SSE),
    Case("json lines", 200, b'{"a": 1}\n{"b": 2}\n', None, {"content-type": "application/x-ndjson"}),
    Case("json lines failed", 200, b'{"a": 1}\n\n{"error": {"code": 429}}\n', "throttled", {"content-type": "application/jsonl"}),
    Case("json lines cut", 200, b'{"a": 1}\n{"b": \n', "broken", {"content-type": "application/jsonl"}),
    Case("ollama whole", 200, b'{"message": {}, "done": false}\n{"message": {}, "done": true}\n', None, {"content-type": "application/x-ndjson"}),
    Case("ollama cut", 200, b'{"response": "H", "done": false}\n{"response": "i", "done": false}\n', "unavailable", {"content-type": "application/x-ndjson"}),
    Case("ollama cut after a line", 200, b'{"message": {"content": "H"}, "done": false}\n', "unavailable", {"content-type": "Application/X-NDJSON"}),
    Case("ollama in one line", 200, b'{"response": "Hi", "done": true}\n', None, {"content-type": "application/x-ndjson"}),
    Case("a job under way", 200, {"response": None, "done": False}, None),
    Case("http status code", 200, sse(("error", {"error": {"http_status_code": 429, "message": "x"}})), "throttled", SSE),
    Case("json lines after events", 200, sse(CHUNK) + b'{"a": 1}\n{"error": {"code": 503}}\n', "unavailable", SSE),
    Case("json over two lines", 200, sse(LAST) + b'{"error":\n {"code": 429}}', "throttled", SSE),
    Case("text after events", 200, sse(LAST) + b"good\n\nbye\n}\n", None, SSE),
    Case("text said to be a stream", 200, "Please\n\nwait", "broken", SSE),
]  # fmt: skip

ALL = [*PROVIDERS, *SERVERS, *INSIDE, *STREAMS]
