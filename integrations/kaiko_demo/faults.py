"""Every way in which the provider of language models fails, by the name of the model.

Real providers do all of this, with similar texts. Each text contains what our callers must not
read: a key, the name of an account, the address of a machine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kaiko_demo.completions import Answer, chunk, completion, json_answer, streamed

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["FAULTS", "FLAKY", "PROVIDER_KEY", "SECRETS"]

PROVIDER_KEY = "sk-demo-Kaiko0Kaiko0Kaiko0Kaiko0"
SECRETS = (PROVIDER_KEY, "org-KaikoDemo042", "gpu-17.inference.internal")
"""What the provider says in every failure, and no caller may read."""

FLAKY = "faulty-once"
"""The model that fails only on the first attempt of a call."""

_DETAILS = " (key {}, organization {}, host {})".format(*SECRETS)


def _error(message: str, kind: str, code: str | int | None) -> object:
    error = {"message": message + _DETAILS, "type": kind, "param": None, "code": code}
    return {"error": error}


def _page(status: int, title: str) -> Answer:
    """Return the answer of a gateway in front of a provider."""
    text = f"<html><head><title>{title}</title></head><body>{_DETAILS}</body></html>"
    return Answer(status, {"Content-Type": "text/html", "Server": "gateway"}, text.encode())


_LEAVING = "I have been expecting"
_BUSY = _error("The engine is currently overloaded", "server_error", None)

FAULTS: Mapping[str, Answer] = {
    FLAKY: _page(503, "Service Temporarily Unavailable"),
    "faulty-throttled": json_answer(
        429,
        _error("Rate limit reached for requests", "requests", "rate_limit_exceeded"),
        Retry_After="20",
        X_RateLimit_Remaining_Requests="0",
    ),
    "faulty-quota": json_answer(
        429, _error("You exceeded your current quota", "insufficient_quota", "insufficient_quota")
    ),
    "faulty-key": json_answer(
        401,
        _error("Incorrect API key provided", "invalid_request_error", "invalid_api_key"),
        WWW_Authenticate="Bearer",
    ),
    "faulty-overloaded": _page(503, "Service Temporarily Unavailable"),
    "faulty-inside": json_answer(200, _error("Provider returned error", "upstream", 502)),
    "faulty-empty": Answer(200, {"Content-Type": "application/json"}),
    "faulty-length": json_answer(
        400,
        _error(
            "This model's maximum context length is 8192 tokens",
            "invalid_request_error",
            "context_length_exceeded",
        ),
    ),
    "faulty-policy": json_answer(
        400, _error("The response was filtered", "invalid_request_error", "content_filter")
    ),
    "faulty-reset": Answer(ends="reset"),
    "faulty-cut": json_answer(200, completion("faulty-cut", _LEAVING + _DETAILS), "short"),
    "faulty-slow": Answer(ends="never"),
    "faulty-start": streamed(chunk("faulty-start", ""), _BUSY),
    "faulty-middle": streamed(chunk("faulty-middle", _LEAVING), _BUSY),
    "faulty-end": streamed(chunk("faulty-end", _LEAVING)),
}
