"""Failures of the services that ours calls, as data: the provider of language models, the archive.

From a provider's failure our caller learns only what concerns the caller. The archive's errors
reach the caller unchanged, since it is a service with the same contract.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kaiko_demo.cause import Behind, Cause, Expected, error, get, post
from kaiko_demo.faults import FLAKY, SECRETS
from kaiko_demo.seed import (
    ARCHIVE_KEY,
    COLD_CONTEXT,
    DAMAGED_CONTEXT,
    EXPIRED_CONTEXT,
    SEALED_CONTEXT,
)

if TYPE_CHECKING:
    from kaiko_demo.cause import Json
    from kaiko_middleware import ErrorType

__all__ = ["CAUSES_BEHIND"]

_QUOTA = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")
_HELLO: Json = [{"role": "user", "content": "I lost my keys"}]
_INVALID: ErrorType = "invalid_request_error"
# Waiting does not help: somebody has to pay, to set a key or to check what is sent.
_OURS = error(500, "server_error", "internal")
_BUG = error(500, "server_error", "internal", retry=True)
_DOWN = error(503, "server_error", "service_unavailable", retry=True)
_SILENT = error(503, "server_error", "service_unavailable", None, "Retry-After", retry=True)
_THROTTLED = error(429, "rate_limit_error", "too_many_requests", None, "Retry-After", retry=True)


def _chat(
    name: str,
    model: str,
    expected: Expected,
    *,
    attempts: int = 1,
    stream: bool = False,
) -> Cause:
    """Return the cause of a chat with a model.

    Arguments:
        name: The cause's name.
        model: The model to chat with.
        expected: The answer.
        attempts: How often the provider must be called.
        stream: Whether to ask for a stream.
    """
    body: Json = {"model": model, "messages": _HELLO, "stream": stream}
    return Cause(
        name,
        post("/v2/chat", body),
        expected,
        in_stream=expected.status == 200 and expected.type is not None,
        never=SECRETS,
        behind=Behind("llm", attempts),
    )


def _archived(
    name: str, context_id: str, expected: Expected, *never: str, attempts: int = 1
) -> Cause:
    return Cause(
        name,
        get(f"/v2/archive/{context_id}"),
        expected,
        never=(ARCHIVE_KEY, *never),
        behind=Behind("archive", attempts),
    )


CAUSES_BEHIND: tuple[Cause, ...] = (
    _chat("chat answered", "gpt-4", Expected(200, headers=_QUOTA)),
    _chat("chat streamed", "gpt-4", Expected(200, headers=_QUOTA), stream=True),
    _chat("LLM fails once", FLAKY, Expected(200, headers=_QUOTA), attempts=2),
    _chat("LLM throttles us", "faulty-throttled", _THROTTLED),
    _chat("LLM quota used up", "faulty-quota", _OURS),
    _chat("LLM key refused", "faulty-key", _OURS),
    _chat("LLM overloaded", "faulty-overloaded", _DOWN, attempts=3),
    _chat("LLM error in a 200", "faulty-inside", _DOWN),
    _chat("LLM empty answer", "faulty-empty", _OURS),
    _chat("LLM input too long", "faulty-length", error(413, _INVALID, "payload_too_large")),
    _chat("LLM policy broken", "faulty-policy", error(422, _INVALID, "content_policy_violation")),
    _chat("LLM hangs up", "faulty-reset", _SILENT),
    _chat("LLM answer cut off", "faulty-cut", _SILENT),
    _chat("LLM too slow", "faulty-slow", _SILENT),
    _chat("LLM stream refused", "faulty-start", _DOWN, stream=True),
    _chat(
        "LLM stream fails",
        "faulty-middle",
        Expected(200, "server_error", "service_unavailable"),
        stream=True,
    ),
    _chat(
        "LLM stream cut off",
        "faulty-end",
        Expected(200, "server_error", "service_unavailable"),
        stream=True,
    ),
    _archived("archive read", EXPIRED_CONTEXT, Expected(200, headers=_QUOTA)),
    _archived(
        "archive: unknown",
        "ctx_nowhere",
        error(404, "not_found_error", "context_not_found", "context_id"),
    ),
    _archived("archive: sealed", SEALED_CONTEXT, _OURS, "sealed contexts"),
    _archived("archive: throttled", COLD_CONTEXT, _THROTTLED),
    _archived(
        "archive: a bug", DAMAGED_CONTEXT, _BUG, "robot", "ValidationError", "pydantic", attempts=3
    ),
)
