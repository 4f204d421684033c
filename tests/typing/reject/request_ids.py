"""A bound function still knows what it takes and gives."""

from __future__ import annotations

from kaiko_middleware import bind_request_id, current_request_id


@bind_request_id
def score(text: str, *, weight: float = 1.0) -> float:
    """Run in a thread of one's own."""
    return len(text) * weight


score(1)  # error
score("text", 2.0)  # error
score("text", weights=2.0)  # error
result: str = score("text")  # error
bind_request_id(1)  # error
request_id: str = current_request_id()  # error
