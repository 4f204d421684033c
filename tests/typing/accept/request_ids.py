"""A function bound to the request's id keeps its signature."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from typing import assert_type

from kaiko_middleware import RequestIdFilter, bind_request_id, current_request_id


@bind_request_id
def score(text: str, *, weight: float = 1.0) -> float:
    """Run in a thread of one's own."""
    return len(text) * weight


assert_type(current_request_id(), str | None)
assert_type(score("text", weight=2.0), float)
with ThreadPoolExecutor() as pool:
    assert_type(pool.submit(bind_request_id(score), "text").result(), float)
logging.getLogger().addFilter(RequestIdFilter())
