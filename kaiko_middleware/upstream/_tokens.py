"""The words by which providers say whose fault a failure is, matched exactly.

Tables only. A word is looked for in a handful of named members of a body and compared as a
whole: a message that merely contains `insufficient_quota` says nothing. Where a provider
has no word for what is the caller's business, the start of its message is known instead.
Implements the lists of section 10 of the V2 contract.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from kaiko_middleware.errors import Category

Trust = Literal["opaque", "llm", "peer"]
"""How much of what an upstream says is believed; see `Upstream`."""
Credential = Literal["own", "forwarded"]
"""Whose key the call was made with."""
Expects = Literal["json", "any"]
"""What a success's body must be; `any` is never looked into."""

MEMBERS = ("type", "code", "status", "reason", "error_code")
"""The members that tokens are read from."""

ACCOUNT = frozenset(
    {
        "insufficient_quota",
        "credit_balance_exhausted",
        "organization_spend_limit_exceeded",
        "project_spend_limit_exceeded",
        "organization_usage_limit_exceeded",
        "enforced_spend_limit_reached",
        "contract_spend_limit_reached",
        "organization_on_hold",
        "billing_error",
        "QUOTA_EXHAUSTED",
        "API_KEY_INVALID",
        "invalid_api_key",
        "authentication_error",
        "permission_error",
    }
)
"""A hard quota or a bad key: an operator must act, retrying is no help."""

# The most telling first: OpenAI's `type` is often a vague invalid_request_error beside a
# `code` that says what it is.
INSIDE_SUCCESS: tuple[tuple[Category, frozenset[str]], ...] = (
    ("account", ACCOUNT),
    ("throttled", frozenset({"rate_limit_error", "rate_limit_exceeded"})),
    (
        "unavailable",
        frozenset(
            {
                "overloaded_error",
                "api_error",
                "server_error",
                "server_is_overloaded",
                "service_unavailable_error",
                "timeout_error",
            }
        ),
    ),
    ("rejected", frozenset({"invalid_request_error", "not_found_error", "request_too_large"})),
)
"""What an error inside a 2xx, or inside a stream, is by its tokens; the first that fits."""

UNAVAILABLE_4XX = frozenset({408, 421, 425, 499})
ACCOUNT_4XX = frozenset({401, 402, 403, 407})
BROKEN_5XX = frozenset({501, 505, 506, 508, 510, 511, 526})

CONTEXT_LENGTH_TOKENS = frozenset(
    {
        "context_length_exceeded",  # OpenAI, Groq, Azure and most that speak like them
        "string_above_max_length",  # OpenAI, for one string
        "request_too_large",  # Anthropic
        "exceed_context_size_error",  # llama.cpp
    }
)
CONTEXT_LENGTH_START = re.compile(
    r"prompt is too long: \d"  # Anthropic
    r"|input length and `max_tokens` exceed context limit"  # Anthropic
    r"|Input is too long for requested model"  # Bedrock
    r"|The input token count (?:\(\d+\) )?exceeds"  # Gemini
    r"|This (?:model|endpoint)'s maximum (?:context|prompt) length is \d"  # vLLM, OpenRouter, xAI
    r"|Prompt contains \d+ tokens"  # Mistral
    r"|too many tokens: "  # Cohere
    r"|The prompt is too long: \d"  # Fireworks
    r"|Input validation error: `inputs` (?:tokens \+ `max_new_tokens` must be"
    r"|must have less than \d)"  # TGI
    r"|the request exceeds the available context size"  # llama.cpp
)
"""How a message starts by which a provider without a code refuses a long input."""

CONTENT_POLICY_TOKENS = frozenset(
    {
        "content_filter",  # Azure
        "content_policy_violation",  # OpenAI's images
        "moderation_blocked",  # OpenAI's images
        "ResponsibleAIPolicyViolation",  # Azure
        "data_inspection_failed",  # Alibaba
        "DataInspectionFailed",
    }
)
CONTENT_POLICY_START = re.compile(
    r"Output blocked by content filtering policy"  # Anthropic
    r"|Content Exists Risk"  # DeepSeek
    r"|Invalid prompt: your prompt was flagged"  # OpenAI
)
"""How a message starts by which a provider without a code refuses the content."""

PRELUDE_EVENTS = frozenset(
    {"message_start", "ping", "response.created", "response.in_progress", "response.queued"}
)
"""Events of a stream that come before its first content."""
