"""How LLM providers refuse the caller's content: it is too long, or breaks their policy.

Such a refusal is known by an exact code. Where a provider has no code, the start of its message
counts, and only the start: a message may quote the caller's words. Gateways and SDKs put fixed
words before a provider's message, which are skipped. Implements `trust="llm"` of section 10 of
the V2 contract.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kaiko_middleware.errors import PayloadTooLargeError
from kaiko_middleware.json_values import members
from kaiko_middleware.make_error import error_for_code

from ._body import parse_start
from ._gateways import SOME_BEFORE, quoted
from ._members import TOKEN_MEMBERS, holders, texts, word

if TYPE_CHECKING:
    from kaiko_middleware.errors import KaikoError
    from kaiko_middleware.json_values import Members

    from ._members import Reading

TOO_LONG = "context_length_exceeded"
FILTERED = "content_filter"

_TOO_LONG_TOKENS = frozenset(
    {
        TOO_LONG,  # OpenAI, Groq, Azure and most that speak like them
        "string_above_max_length",  # OpenAI, for one string
        "request_too_large",  # Anthropic
        "exceed_context_size_error",  # llama.cpp
        "model_max_prompt_tokens_exceeded",  # GitHub Copilot
        "tokens_limit_reached",  # GitHub Models
        "model_context_window_exceeded",  # Z.ai
    }
)
_FILTERED_TOKENS = frozenset(
    {
        FILTERED,  # Azure
        "content_policy_violation",  # OpenAI's images
        "image_content_policy_violation",  # OpenAI's responses
        "moderation_blocked",  # OpenAI's images
        "ResponsibleAIPolicyViolation",  # Azure
        "data_inspection_failed",  # Alibaba
        "DataInspectionFailed",
    }
)
_START = re.compile(
    SOME_BEFORE + r"(?:(?P<too_long>"
    r"(?:litellm\.)?ContextWindowExceededError(?:: | - )"  # LiteLLM's proxy
    r"|(?i:prompt) is too long(?:$|: \d)"  # Anthropic
    r"|input length and `max_tokens` exceed context limit"  # Anthropic
    r"|(?i:input) is too long(?:\.?$| for requested model)"  # Bedrock
    r"|Too many input tokens"  # Bedrock
    r"|The input token count (?:\(\d+\) )?exceeds"  # Gemini
    r"|Unable to submit request because the input token count is \d"  # Vertex AI
    r"|Request payload size exceeds the limit"  # Gemini
    r"|This (?:model|endpoint)'s maximum (?:context|prompt) length is \d"  # vLLM, OpenRouter, xAI
    r"|Your input exceeds the context window"  # OpenAI
    r"|Input tokens exceed the configured limit"  # OpenAI
    r"|Prompt contains \d+ tokens"  # Mistral
    r"|too many tokens: "  # Cohere
    r"|The prompt is too long: \d"  # Fireworks
    r"|Input validation error: `inputs` (?:tokens \+ `max_new_tokens` must be"
    r"|must have less than \d)"  # TGI
    r"|(?:the )?request (?:\(\d+ tokens\) )?exceeds the available context size"  # llama.cpp
    r"|(?:The )?[Ii]nput \(\d+ tokens\) is longer than the model's context length"  # SGLang
    r"|Requested token count exceeds the model's maximum context length"  # SGLang
    r"|Input length \(\d+ tokens\) exceeds the maximum allowed length"  # SGLang
    r"|Please reduce the length of the messages or completion"  # Groq
    r"|prompt token count of \d+ exceeds the limit of \d"  # GitHub Copilot
    r"|invalid params, context window exceeds limit"  # MiniMax
    r"|Your request exceeded model token limit"  # Moonshot
    r"|Range of input length should be \["  # Alibaba
    r"|(?i:prompt) too long; exceeded (?:max )?context length"  # Ollama
    r"|(?:the )?input length exceeds (?:the|maximum) context length"  # Ollama
    r"|Prompt exceeds max(?:imum context)? length"  # Z.ai, mlx-serve
    r"|Too many tokens (?:in batch\.|overall, split into more batches)"  # Mistral
    r"|Malformed input request: (?:#/\S{1,256}: )?expected maxLength: \d"  # Bedrock
    r"|Input Tokens Exceeded: Number of input tokens exceeds maximum length"  # Nova on Bedrock
    r"|(?:Failed to start sampling: )?\[input_too_large\] "  # xAI
    r"|Requested tokens (?:\(\d+\) )?exceed context window of \d"  # llama-cpp-python
    r"|Trying to keep the first \d+ tokens when context the overflows"  # LM Studio
    r"|Input length \d+ exceeds maximum allowed token size"  # NVIDIA NIM
    r"|The decoder prompt \(length \d+\) is longer than the maximum model length"  # vLLM
    r"|You passed \d+ input tokens and requested \d+ output tokens"  # vLLM
    r"|'max_tokens' or 'max_completion_tokens' is too large: \d+\. This model's maximum"  # vLLM
    r")|(?P<filtered>"
    r"(?:litellm\.)?ContentPolicyViolationError(?:: | - )"  # LiteLLM's proxy
    r"|Output blocked by content filtering policy"  # Anthropic
    r"|Content Exists Risk"  # DeepSeek
    r"|Content violates usage guidelines\."  # xAI
    r"|Invalid prompt: (?:your prompt was flagged|we've limited access to this content)"  # OpenAI
    r"|The response was filtered due to the prompt triggering "
    r"(?:Azure OpenAI|Microsoft)['’]s content"  # Azure
    r"|(?:Input|Output) (?:text |image )?data may contain inappropriate content"  # Alibaba
    r"|Your request was rejected (?:by|as a result of) (?:the|our) safety system"  # OpenAI
    r"))"
)
_SAID = frozenset({"message", "error", "detail", "Message", "originalMessage"})
_WRAPPERS = frozenset({"innererror", "metadata", "provider_specific_fields"})


def refusal(status: int, read: Reading) -> KaikoError | None:
    """Return the error if a provider refuses the caller's content, else None.

    Arguments:
        status: the answer's status.
        read: what its body says, or the part of it that has the error.

    """
    kind = "too_long" if status == 413 else _kind_of(read)
    if kind == "too_long":
        return PayloadTooLargeError("The input is too long for the model")
    if kind == "filtered":
        return error_for_code("content_policy_violation")
    return None


def _kind_of(read: Reading) -> str | None:
    """Return `too_long` or `filtered`, or None."""
    held, tokens = read
    inner = [found for outer in held for found in _inside(outer)]
    if inner:
        held, tokens = [*held, *inner], tokens.union(texts(inner, TOKEN_MEMBERS))
    matches = map(_START.match, texts(held, _SAID))
    kinds = {match.lastgroup for match in matches if match is not None}
    if "too_long" in kinds or not _TOO_LONG_TOKENS.isdisjoint(tokens):
        return "too_long"
    return "filtered" if kinds or not _FILTERED_TOKENS.isdisjoint(tokens) else None


def _inside(outer: Members) -> list[Members]:
    """Return what a gateway quotes of a provider's answer, and Azure's inner error."""
    message = word(outer.get("message"))
    said = quoted(message) if "{" in message else {}
    if not said and _WRAPPERS.isdisjoint(outer):
        return []
    fields = members(outer.get("provider_specific_fields"))  # LiteLLM's
    found = [members(outer.get("innererror")), members(fields.get("innererror")), *holders(said)]
    # OpenRouter's, and TrueFoundry's quotation of it.
    for raw in (members(outer.get("metadata")).get("raw"), said.get("raw")):
        if isinstance(raw, str):
            found += holders(parse_start(raw) or {"message": raw})
        else:
            found += holders(raw)
    return found
