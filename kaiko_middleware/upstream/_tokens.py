"""The words by which providers say whose fault a failure is, matched exactly.

Tables only. A word is looked for in a handful of named members of a body and compared as a
whole: a message that merely contains `insufficient_quota` says nothing.
Implements the lists of section 10 of the V2 contract.
"""

from __future__ import annotations

from typing import Literal

Category = Literal["throttled", "account", "unavailable", "rejected", "broken"]
"""Whose fault an upstream's failure is, and so what it becomes."""

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

INSIDE_SUCCESS: dict[str, Category] = {
    **dict.fromkeys(
        (
            "overloaded_error",
            "api_error",
            "server_error",
            "server_is_overloaded",
            "service_unavailable_error",
            "timeout_error",
        ),
        "unavailable",
    ),
    **dict.fromkeys(("rate_limit_error", "rate_limit_exceeded"), "throttled"),
    **dict.fromkeys(ACCOUNT, "account"),
    **dict.fromkeys(("invalid_request_error", "not_found_error", "request_too_large"), "rejected"),
}
"""What an error inside a 2xx, or inside a stream, is by its token."""

UNAVAILABLE_4XX = frozenset({408, 421, 425, 499})
ACCOUNT_4XX = frozenset({401, 402, 403, 407})
BROKEN_5XX = frozenset({501, 505, 506, 508, 510, 511, 526})

CONTEXT_LENGTH_TOKENS = frozenset(
    {"context_length_exceeded", "string_above_max_length", "request_too_large"}
)
CONTEXT_LENGTH_STARTS = (
    "prompt is too long:",  # Anthropic
    "input length and `max_tokens` exceed context limit",  # Anthropic
    "Input is too long for requested model",  # Bedrock
    "The input token count",  # Gemini
    "This model's maximum context length is",  # OpenAI-compatible servers
    "Input validation error: `inputs` tokens + `max_new_tokens` must be",  # TGI
)
CONTENT_POLICY_TOKENS = frozenset(
    {
        "content_filter",
        "content_policy_violation",
        "moderation_blocked",
        "ResponsibleAIPolicyViolation",
    }
)
CONTENT_POLICY_STARTS = ("Output blocked by content filtering policy",)  # Anthropic

PRELUDE_EVENTS = frozenset(
    {"message_start", "ping", "response.created", "response.in_progress", "response.queued"}
)
"""Events of a stream that come before its first content."""
