"""The tokens with which providers say whose fault a failure is.

Tables only. A token is read from a few named members of a body and must match exactly: a message
that contains `insufficient_quota` does not count. If a provider has no token for a refusal of the
caller's content, the start of its message is used. Implements the lists of section 10 of the V2
contract.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from kaiko_middleware.errors import Category

Trust = Literal["opaque", "llm", "peer"]
"""How much an upstream is trusted; see `Upstream`."""
Credential = Literal["own", "forwarded"]
"""Whose key the call uses."""
Expects = Literal["json", "any"]
"""What a success's body must be; `any` is never checked."""

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
"""A hard quota or a bad key: an operator must act, a retry does not help."""

# The most specific first: OpenAI's `type` is often a vague invalid_request_error with a more
# precise `code`.
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
"""The category of an error inside a 2xx or a stream by its tokens; the first match counts."""

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
"""Starts of messages with which providers without a code refuse a long input."""

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
"""Starts of messages with which providers without a code refuse the content."""

PRELUDE_EVENTS = frozenset(
    {"message_start", "ping", "response.created", "response.in_progress", "response.queued"}
)
"""Events of a stream before its first content."""
