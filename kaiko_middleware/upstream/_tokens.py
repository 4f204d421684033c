"""The tokens with which providers say whose fault a failure is.

Tables only. A token is read from a few named members of a body and must match exactly: a message
that contains `insufficient_quota` does not count. Implements the lists of section 10 of the V2
contract.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from kaiko_middleware.errors import Category

Trust = Literal["opaque", "llm", "peer"]
"""How much an upstream is trusted; see `Upstream`."""
Credential = Literal["own", "forwarded"]
"""Whose key the call uses."""
Expects = Literal["json", "any"]
"""What a success's body must be; `any` is never checked."""

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
    ("account", ACCOUNT | {"accessDeniedException"}),
    (
        "throttled",
        frozenset({"rate_limit_error", "rate_limit_exceeded", "throttlingException"}),
    ),
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
                # Bedrock's, in a stream
                "internalServerException",
                "modelStreamErrorException",
                "modelTimeoutException",
                "serviceUnavailableException",
            }
        ),
    ),
    (
        "rejected",
        frozenset(
            {
                "invalid_request_error",
                "not_found_error",
                "request_too_large",
                "validationException",  # Bedrock's, in a stream
            }
        ),
    ),
)
"""The category of an error inside a 2xx or a stream by its tokens; the first match counts."""

SLACK: dict[str, Category] = {
    "account_inactive": "account",
    "invalid_auth": "account",
    "not_authed": "account",
    "token_expired": "account",
    "token_revoked": "account",
    "message_limit_exceeded": "throttled",
    "ratelimited": "throttled",
    "rate_limited": "throttled",
    "fatal_error": "unavailable",
    "internal_error": "unavailable",
    "request_timeout": "unavailable",
    "service_unavailable": "unavailable",
}
"""The category of an `error` beside `ok: false`, where it is not one of the tokens above."""

AWS_THROTTLING = frozenset(
    {
        "BandwidthLimitExceeded",
        "EC2ThrottledException",
        "LimitExceededException",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionInProgressException",
    }
)
"""The exceptions with which AWS throttles, often in a 400; the list is botocore's."""

UNAVAILABLE_4XX = frozenset({408, 420, 421, 425, 499})
ACCOUNT_4XX = frozenset({401, 402, 403, 407})
BROKEN_5XX = frozenset({501, 505, 506, 508, 510, 511, 526})

PRELUDE_EVENTS = frozenset(
    {
        "messageStart",
        "message_start",
        "ping",
        "response.created",
        "response.in_progress",
        "response.queued",
    }
)
"""Events of a stream before its first content."""
