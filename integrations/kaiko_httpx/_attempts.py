"""What the synchronous and the asynchronous transport share: everything but the waiting."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kaiko_httpx._policy import Call
from kaiko_middleware import current_request_id

if TYPE_CHECKING:
    from kaiko_httpx._policy import Decision, RetryPolicy
    from kaiko_middleware import KaikoError

STREAMS = "kaiko_streams"
"""The request extension by which a client says that the answer will be streamed."""

# Requests and responses are of httpx2 or of httpx: alike, and unrelated.
Request = Any
Response = Any

PEEK_LIMIT = 64 * 1024


class Again(Exception):  # noqa: N818 - it is no error, it says when to go on
    """Raised within an attempt to have stamina wait and begin the next one."""

    def __init__(self, wait: float) -> None:
        super().__init__()
        self.wait = wait


def wait_of(exc: Exception) -> bool | float:
    """Tell stamina how long to wait, or that it is none of its business."""
    return exc.wait if isinstance(exc, Again) else False


def begin(policy: RetryPolicy, request: Request, id_header: str) -> Call:
    """Return the call that `request` begins, and put our request id on it."""
    headers = request.headers
    request_id = current_request_id()
    if request_id is not None and id_header not in headers:
        headers[id_header] = request_id
    return Call(
        policy,
        request.method,
        str(request.url),
        streams=bool(request.extensions.get(STREAMS, False)),
        idempotent="idempotency-key" in headers,
    )


def is_replayable(request: Request) -> bool:
    """Whether the request's body can be sent again: it is in memory as a whole."""
    try:
        return isinstance(request.content, bytes)
    except Exception:  # noqa: BLE001 - RequestNotRead of whichever library it is
        return False


def decide_on_response(
    policy: RetryPolicy, call: Call, request: Request, response: Response, body: bytes
) -> Decision | None:
    """Return what to do about an answer; None where it is no error."""
    error = policy.upstream.error_from_response(
        response.status_code,
        response.headers.multi_items(),
        body,
        method=request.method,
        expects="any",
    )
    if error is None:
        return None
    return call.decide(error, replayable=is_replayable(request))


def error_of(policy: RetryPolicy, exc: Exception) -> KaikoError | None:
    """Return the typed error for what a transport raised, or None for a stranger's."""
    return policy.upstream.find_exception(exc)


def clamp_timeouts(request: Request, call: Call) -> None:
    """Let no single operation of an attempt take longer than the call has left."""
    remaining = call.remaining
    if remaining is None:
        return
    remaining = max(remaining, 0.001)
    given: dict[str, float | None] = request.extensions.get("timeout", {})
    request.extensions = {
        **request.extensions,
        "timeout": {
            name: remaining if (value := given.get(name)) is None else min(value, remaining)
            for name in ("connect", "read", "write", "pool")
        },
    }
