"""Answers that users of SDKs, clients and gateways have reported, each with its source.

The bodies are shortened to what tells them apart; ids, names and amounts are made up. A source is
a repository and the number of an issue or a pull request, or a package and its version.
"""

# ruff: noqa: E501 - a row of a table stands on one line

from __future__ import annotations

import json
from base64 import b64encode
from zlib import crc32

from unit.upstream.corpus import CHUNK, GEMINI, HTML, JSON, SSE, Case, openai, sse

BINARY = {"content-type": "application/vnd.amazon.eventstream"}
LINES = {"content-type": "application/x-ndjson"}


def frame(data: object, **headers: str) -> bytes:
    """Return one message of AWS's binary event stream; `_` in a header's name is a `-`."""
    raw = b""
    for name, value in {"content_type": "application/json", **headers}.items():
        key = f":{name.replace('_', '-')}".encode()
        raw += bytes([len(key)]) + key + b"\7" + len(value).to_bytes(2) + value.encode()
    payload = json.dumps(data).encode()
    prelude = (16 + len(raw) + len(payload)).to_bytes(4) + len(raw).to_bytes(4)
    message = prelude + crc32(prelude).to_bytes(4) + raw + payload
    return message + crc32(message).to_bytes(4)


def event(kind: str, data: object) -> bytes:
    """Return an event of Bedrock's."""
    return frame(data, message_type="event", event_type=kind)


def exception(kind: str, data: object) -> bytes:
    """Return an exception of Bedrock's, in the middle of a stream."""
    return frame(data, message_type="exception", exception_type=kind)


def inner(data: object) -> bytes:
    """Return an event of InvokeModel's, which has the provider's own event inside."""
    return event("chunk", {"bytes": b64encode(json.dumps(data).encode()).decode()})


def raw(said: object) -> object:
    """Return an error of OpenRouter's, which quotes the provider."""
    metadata = {"raw": said if isinstance(said, str) else json.dumps(said), "provider_name": "P"}
    return {"error": {"message": "Provider returned error", "code": 400, "metadata": metadata}}


START = event("messageStart", {"role": "assistant"})
DELTA = event("contentBlockDelta", {"delta": {"text": "Hi"}, "contentBlockIndex": 0})
STOP = event("messageStop", {"stopReason": "end_turn"})
TOO_LONG = "This model's maximum context length is 8192 tokens. However, you requested 8246"
FILTERED = "The response was filtered due to the prompt triggering Azure OpenAI's content management policy"
GATEWAY = "litellm.BadRequestError: litellm.ContentPolicyViolationError: AzureException - x"
BUSY = {"error": {"code": 503, "message": "High demand", "status": "UNAVAILABLE"}}

TOO_LONGS: list[Case] = [
    Case("sglang", 400, {"object": "error", "message": "The input (61709 tokens) is longer than the model's context length (40960 tokens).", "type": "BadRequestError", "param": None, "code": 400}, "rejected", llm="payload_too_large", source="QwenLM/Qwen3#1321"),
    Case("sglang, requested", 400, {"object": "error", "message": "Requested token count exceeds the model's maximum context length of 131072 tokens.", "type": "BadRequestError", "code": 400}, "rejected", llm="payload_too_large", source="litellm 1.110.2"),
    Case("vertex", 400, {"error": {"code": 400, "message": "The input token count (25270) exceeds the maximum number of tokens allowed (4000).", "status": "INVALID_ARGUMENT"}}, "rejected", llm="payload_too_large", source="googleapis/python-genai#2050"),
    Case("vertex, no count", 400, {"error": {"code": 400, "message": "The input token count exceeds the maximum number of tokens allowed 1048576.", "status": "INVALID_ARGUMENT"}}, "rejected", llm="payload_too_large", source="warpdotdev/warp#15662"),
    Case("converse, claude", 400, {"message": "The model returned the following errors: prompt is too long: 903884 tokens > 200000 maximum"}, "rejected", {**JSON, "x-amzn-errortype": "ValidationException"}, llm="payload_too_large", source="strands-agents/harness-sdk#1663"),
    Case("litellm proxy", 400, openai("litellm.ContextWindowExceededError: litellm.BadRequestError: x", None, "400"), "rejected", llm="payload_too_large", source="litellm 1.110.2"),
    Case("litellm proxy quotes json", 400, openai('litellm.BadRequestError: AnthropicException - b\'{"type":"error","error":{"type":"invalid_request_error","message":"input length and `max_tokens` exceed context limit: 174167 + 64000 > 200000"}}\'', None, "400"), "rejected", llm="payload_too_large", source="kortix-ai/suna#172"),
    Case("litellm proxy passes json", 400, openai('{"type":"error","error":{"type":"invalid_request_error","message":"Prompt is too long"}}', "None", "400"), "rejected", llm="payload_too_large", source="anthropics/claude-code#2569"),
    Case("truefoundry quotes openrouter", 400, {"status": "failure", "message": f'openrouter error: Provider returned error | metadata: {{"raw":{{"error":{{"message":"{TOO_LONG}","code":400}}}}}}'}, "rejected", llm="payload_too_large", source="truefoundry/models#873"),
    Case("openrouter quotes text", 400, raw(TOO_LONG), "rejected", llm="payload_too_large", source="refly-ai/refly#1177"),
    Case("openrouter quotes another error", 400, raw({"error": {"type": "invalid_request_error", "message": "At most 1 image"}}), "rejected", source="diegosouzapw/OmniRoute#3044"),
    Case("responses", 400, openai("Your input exceeds the context window of this model.", "invalid_request_error", None), "rejected", llm="payload_too_large", source="the-open-agent/openagent#2344"),
    Case("dashscope", 400, openai("<400> InternalError.Algo.InvalidParameter: Range of input length should be [1, 204800]", "invalid_request_error", "invalid_parameter_error"), "rejected", llm="payload_too_large", source="QwenLM/qwen-code#98"),
    Case("dashscope native", 400, {"code": "InvalidParameter", "message": "Range of input length should be [1, 6000]", "request_id": "r"}, "rejected", llm="payload_too_large", source="LLM-Red-Team/qwen-free-api#23"),
    Case("gemini quotes itself", 400, {"error": {"message": json.dumps({"error": {"code": 400, "message": "The input token count (1091639) exceeds"}}, indent=2), "code": 400, "status": "Bad Request"}}, "rejected", llm="payload_too_large", source="google-gemini/gemini-cli#5807"),
    Case("copilot", 400, {"error": {"message": "prompt token count of 138898 exceeds the limit of 64000", "code": "model_max_prompt_tokens_exceeded"}}, "rejected", llm="payload_too_large", source="microsoft/copilot-intellij-feedback#94"),
    Case("copilot without a code", 400, {"error": {"message": "prompt token count of 93854 exceeds the limit of 90000", "param": "", "code": "", "type": ""}}, "rejected", llm="payload_too_large", source="jjleng/copilot-more#35"),
    Case("minimax", 400, {"type": "error", "error": {"type": "bad_request_error", "message": "invalid params, context window exceeds limit (2013)", "http_code": "400"}}, "rejected", llm="payload_too_large", source="rowboatlabs/rowboat#514"),
    Case("llama.cpp in its stream", 200, sse(CHUNK, {"error": {"code": 400, "message": "the request exceeds the available context size. try increasing it", "type": "invalid_request_error"}}), "rejected", SSE, llm="payload_too_large", source="ggml-org/llama.cpp#14566"),
    Case("ollama, embedding", 400, {"error": "the input length exceeds the context length"}, "rejected", llm="payload_too_large", source="nano-step/nano-brain#208"),
    Case("ollama, embedding, older", 400, {"error": "input length exceeds maximum context length"}, "rejected", llm="payload_too_large", source="n8n-io/n8n#11144"),
    Case("z.ai", 400, {"error": {"code": "1261", "message": "Prompt exceeds max length"}}, "rejected", llm="payload_too_large", source="zeroclaw-labs/zeroclaw#4124"),
    Case("mlx-serve", 400, {"error": {"message": "Prompt exceeds maximum context length"}}, "rejected", llm="payload_too_large", source="ddalcu/mlx-serve#66"),
    Case("mistral, batch", 400, {"object": "error", "message": "Too many tokens in batch. Max is 16384 got 17555", "type": "invalid_request_error", "param": None, "code": None}, "rejected", llm="payload_too_large", source="aurelio-labs/semantic-router#297"),
    Case("mistral, overall", 400, {"object": "error", "message": "Too many tokens overall, split into more batches.", "type": "invalid_request_prompt", "param": None, "code": "3210"}, "rejected", llm="payload_too_large", source="chroma-core/chroma#5597"),
    Case("titan, tokens", 400, {"message": "400 Bad Request: Too many input tokens. Max input tokens: 8192, request input token count: 9875"}, "rejected", llm="payload_too_large", source="aws-samples/amazon-bedrock-workshop#136"),
    Case("titan, characters", 400, {"message": "Malformed input request: expected maxLength: 50000, actual: 160000, please reformat your input and try again."}, "rejected", llm="payload_too_large", source="alphagov/govuk-chat#220"),
    Case("cohere on bedrock", 400, {"message": "Malformed input request: #/texts/41: expected maxLength: 2048, actual: 2300, please reformat your input and try again."}, "rejected", llm="payload_too_large", source="aws-samples/bedrock-access-gateway#41"),
    Case("llama-cpp-python", 400, openai("Requested tokens (5136) exceed context window of 4096", "invalid_request_error", None), "rejected", llm="payload_too_large", source="nextcloud/context_chat_backend#27"),
    Case("lm studio", 400, {"error": "Trying to keep the first 111490 tokens when context the overflows. However, the model is loaded with context length of only 32768 tokens"}, "rejected", llm="payload_too_large", source="lmstudio-ai/lmstudio-bug-tracker#546"),
    Case("nim", 400, {"error": "Input length 851 exceeds maximum allowed token size 512"}, "rejected", llm="payload_too_large", source="langflow-ai/langflow#9076"),
    Case("xai, budget", 400, {"code": "Client specified an invalid argument", "error": "Failed to start sampling: [input_too_large] Current message (1149677 tokens) exceeds budget (975424 tokens)"}, "rejected", llm="payload_too_large", source="UKGovernmentBEIS/inspect_ai#5208"),
    Case("deepseek", 400, openai("This model's maximum context length is 131072 tokens. However, you requested 141980 tokens", "invalid_request_error", "invalid_request_error"), "rejected", llm="payload_too_large", source="NoFxAiOS/nofx#1278"),
    Case("vllm, no room for an answer", 400, openai("'max_tokens' or 'max_completion_tokens' is too large: 8192. This model's maximum context length is 65536 tokens and your request has 57546 input tokens", "BadRequestError", 400), "rejected", llm="payload_too_large", source="vllm-project/vllm#22803"),
    Case("groq, per minute", 413, openai("Request too large for model `m` on tokens per minute (TPM): Limit 6000, Requested 12328", "tokens", "rate_limit_exceeded"), "rejected", llm="payload_too_large", source="HunorLaczko/ha-groq-cloud-api#27"),
]  # fmt: skip

FILTEREDS: list[Case] = [
    Case("azure without a code", 400, openai(FILTERED, None, None), "rejected", llm="content_policy_violation", source="stanford-crfm/helm#3327"),
    Case("litellm proxy, filter", 400, openai(GATEWAY, None, "400"), "rejected", llm="content_policy_violation", source="BerriAI/litellm#16231"),
    Case("litellm proxy, inner error", 400, {"error": {"message": "x", "code": "400", "provider_specific_fields": {"innererror": {"code": "ResponsibleAIPolicyViolation"}}}}, "rejected", llm="content_policy_violation", source="BerriAI/litellm#12324"),
    Case("dashscope, filter", 400, openai("<400> InternalError.Algo.DataInspectionFailed: Input text data may contain inappropriate content.", None, None), "rejected", llm="content_policy_violation", source="QwenLM/qwen-code#3145"),
    Case("dashscope native, filter", 400, {"code": "DataInspectionFailed", "message": "Input data may contain inappropriate content."}, "rejected", llm="content_policy_violation", source="QwenLM/Qwen#938"),
    Case("responses failed, flagged", 200, sse({"type": "response.created"}, {"type": "response.failed", "response": {"status": "failed", "error": {"code": "invalid_prompt", "message": "Invalid prompt: your prompt was flagged"}}}), "broken", SSE, llm="content_policy_violation", source="vercel/ai#6534"),
    Case("anthropic on bedrock", 400, {"message": "The model returned the following errors: Output blocked by content filtering policy"}, "rejected", llm="content_policy_violation", source="litellm 1.110.2"),
    Case("xai", 403, {"code": "The caller does not have permission to execute the specified operation", "error": "Content violates usage guidelines. Team: t, API key ID: k, Model: m, Failed check: SAFETY_CHECK_TYPE_BIO"}, "account", llm="content_policy_violation", source="UKGovernmentBEIS/inspect_ai#2267"),
    Case("openai, limited access", 400, openai("Invalid prompt: we've limited access to this content for safety reasons.", "invalid_request_error", "invalid_prompt"), "rejected", llm="content_policy_violation", source="microsoft/PyRIT#1463"),
    Case("azure, microsoft's policy", 400, openai("The response was filtered due to the prompt triggering Microsoft's content management policy.", None, None), "rejected", llm="content_policy_violation", source="gpt4free/g4f.dev#81"),
    Case("azure, curly", 400, openai("The response was filtered due to the prompt triggering Azure OpenAI’s content management policy.", None, None), "rejected", llm="content_policy_violation", source="openai/openai-python#331"),
    Case("gemini blocks a prompt", 200, {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "usageMetadata": {"promptTokenCount": 9}}, None, llm="content_policy_violation", source="NousResearch/hermes-agent#85031"),
    Case("gemini blocks a stream's prompt", 200, sse({"promptFeedback": {"blockReason": "SAFETY"}}), None, SSE, llm="content_policy_violation", source="0xPlaygrounds/rig#2475"),
    Case("gemini blocks nothing", 200, sse({"promptFeedback": {"safetyRatings": []}, **GEMINI}, {"candidates": [{"finishReason": "STOP"}]}), None, SSE, source="2389-research/tracker#543"),
]  # fmt: skip

LIMITS: list[Case] = [
    Case("github, secondary", 403, {"message": "You have exceeded a secondary rate limit."}, "throttled", {**JSON, "retry-after": "60", "x-ratelimit-remaining": "14"}, wait=60, source="hi-godot/godot-ai#830"),
    Case("github, primary", 403, {"message": "API rate limit exceeded for 192.0.2.1."}, "throttled", {**JSON, "date": "Mon, 13 Jun 2022 11:48:53 GMT", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "1655120964"}, wait=31, source="KnpLabs/php-github-api#1072"),
    Case("github, may not", 403, {"message": "Resource not accessible by integration"}, "account", {**JSON, "x-ratelimit-remaining": "4999", "x-ratelimit-reset": "1655120964"}, source="JuliaRegistries/TagBot#298"),
    Case("dynamodb", 400, {"__type": "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException", "message": "The level was exceeded"}, "throttled", source="brendanhay/amazonka#849"),
    Case("dynamodb, on demand", 400, {"__type": "com.amazon.coral.availability#ThrottlingException", "message": "Throughput exceeds"}, "throttled", source="praetorian-inc/chariot-ui#684"),
    Case("bedrock, in a 400", 400, {"message": "Too many tokens"}, "throttled", {**JSON, "x-amzn-errortype": "ThrottlingException:http://internal.amazon.com/coral/com.amazon.bedrock/"}, source="aws-samples/amazon-bedrock-client-for-mac#99"),
    Case("dynamodb, a condition", 400, {"__type": "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException"}, "rejected", source="botocore 1.44.8"),
    Case("salesforce edge", 420, "<html><title>Please wait</title></html>", "unavailable", HTML, source="jsforce/jsforce#1772"),
    Case("slack", 200, {"ok": False, "error": "ratelimited"}, "throttled", {**JSON, "retry-after": "1"}, wait=1, source="app-sre/qontract-reconcile#4963"),
    Case("slack, waits in its body", 200, {"retry_after": 2, "ok": False, "error": "rate_limited"}, "throttled", wait=2, source="yassineaboukir/sublert#46"),
    Case("slack, fatal", 200, {"ok": False, "error": "fatal_error"}, "unavailable", source="dgurkaynak/slack-poker-planner#61"),
    Case("slack, limit of messages", 200, {"ok": False, "error": "message_limit_exceeded"}, "throttled", source="grafana-cold-storage/oncall#1721"),
    Case("slack, no such channel", 200, {"ok": False, "error": "channel_not_found"}, "broken", source="slackapi/python-slack-sdk#488"),
    Case("openrouter, pool spent", 200, {"error": {"message": "Provider returned error", "code": 429, "metadata": {"raw": "rate-limited upstream"}}}, "throttled", source="open-webui/computer#293"),
]  # fmt: skip

INSIDE: list[Case] = [
    Case("azure operation under way", 202, {"status": "InProgress", "error": {"code": None, "message": None, "innererror": None}}, None, source="Azure/azure-sdk-for-net#49378"),
    Case("text as an error", 200, {"error": "model failed to load"}, None, llm="broken", source="BerriAI/litellm#1750"),
    Case("ollama fails late", 200, b'{"response": "Yes", "done": false}\n{"error": "an error was encountered"}\n', "unavailable", LINES, llm="broken", source="coasys/ad4m#1001"),
    Case("openrouter ends in an error", 200, sse(CHUNK, {**CHUNK, "error": {"code": "server_error", "message": "Provider disconnected"}, "choices": [{"delta": {}, "finish_reason": "error"}]}), "unavailable", SSE, source="damianvtran/local-operator#223"),
    Case("openrouter's reason alone", 200, sse(CHUNK, {**CHUNK, "choices": [{"delta": {}, "finish_reason": "error"}]}), None, SSE, llm="broken", source="gethouston/houston#1211"),
    Case("a choice's own error", 200, {"choices": [{"finish_reason": "error", "error": {"code": 502, "message": "x"}}]}, None, llm="unavailable", source="langchain-ai/langchainjs#11579"),
    Case("z.ai's reason", 200, {"choices": [{"finish_reason": "network_error"}]}, None, llm="broken", source="gethouston/houston#1211"),
    Case("gemini, bare json late", 200, sse(GEMINI) + json.dumps(BUSY, indent=2).encode() + b"\n", "unavailable", SSE, source="diegosouzapw/OmniRoute#4177"),
    Case("gemini, bare json between", 200, sse(GEMINI) + json.dumps(BUSY, indent=2).encode() + b"\n" + sse(GEMINI), "unavailable", SSE, source="diegosouzapw/OmniRoute#4177"),
    Case("overloaded in a stream", 200, sse(CHUNK, ("error", {"type": "error", "error": {"type": "overloaded_error"}})), "unavailable", SSE, source="anthropics/anthropic-sdk-python#1262"),
    Case("json lines called text", 200, b'{"object": "chat.completion.chunk", "choices": [{"delta": {"content": "Hey"}}]}\n{"object": "chat.completion.chunk", "choices": [{"delta": {}, "finish_reason": "stop"}]}\n', None, {"content-type": "text/plain; charset=utf-8"}, source="MacPaw/OpenAI#283"),
    Case("gemini, a list with an error late", 200, [GEMINI, BUSY], None, llm="unavailable", source="google-genai 3.6.1"),
    Case("gemini, a whole list", 200, [GEMINI, GEMINI], None, source="google-genai 3.6.1"),
    Case("cohere fails", 200, {"id": "i", "finish_reason": "ERROR", "message": {"role": "assistant", "content": []}}, None, llm="broken", source="cohere 7.3.1"),
    Case("cohere's stream takes too long", 200, sse({"type": "message-start"}, {"type": "message-end", "delta": {"finish_reason": "TIMEOUT"}}), None, SSE, llm="unavailable", source="cohere 7.3.1"),
    Case("cohere's stream is toxic", 200, b'{"event_type": "stream-start"}\n{"event_type": "stream-end", "finish_reason": "ERROR_TOXIC"}\n', None, LINES, llm="content_policy_violation", source="cohere 7.3.1"),
    Case("cohere's limit", 200, {"finish_reason": "ERROR_LIMIT"}, None, llm="payload_too_large", source="cohere 7.3.1"),
]  # fmt: skip

BEDROCK: list[Case] = [
    Case("converse whole", 200, START + DELTA + STOP + event("metadata", {"usage": {}}), None, BINARY, source="floci-io/floci#2889"),
    Case("converse cut", 200, START + DELTA, "unavailable", BINARY, source="floci-io/floci#3043"),
    Case("converse cut in a message", 200, START + STOP[:-5], "unavailable", BINARY, source="floci-io/floci#3043"),
    Case("converse throttled", 200, START + exception("throttlingException", {"message": "Too many tokens"}), "throttled", BINARY, source="aaif-goose/goose#9579"),
    Case("converse failed", 200, START + DELTA + exception("modelStreamErrorException", {"message": "x", "originalStatusCode": 500}), "unavailable", BINARY, source="anomalyco/opencode#38712"),
    Case("invoke too long", 200, exception("validationException", {"message": "Input is too long for requested model."}), "rejected", BINARY, llm="payload_too_large", source="aws-samples/bedrock-chat#95"),
    Case("unmodeled error", 200, START + frame({}, message_type="error", error_code="internalServerException", error_message="x"), "unavailable", BINARY, source="prism-php/bedrock#30"),
    Case("unknown exception", 200, exception("newException", {"message": "x"}), "broken", BINARY, source="prism-php/bedrock#30"),
    Case("invoke whole", 200, inner({"type": "message_start"}) + inner({"type": "message_stop"}), None, BINARY, source="botocore 1.44.8"),
    Case("invoke cut", 200, inner({"type": "message_start"}) + inner({"type": "content_block_delta"}), "unavailable", BINARY, source="botocore 1.44.8"),
]  # fmt: skip

REPORTED = [*TOO_LONGS, *FILTEREDS, *LIMITS, *INSIDE, *BEDROCK]
