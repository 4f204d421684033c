"""What the unit tests share: a request, a service's own errors, keys that must not be seen."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

from hypothesis import strategies as st

from kaiko_middleware import ConflictError, NotFoundError, RateLimitError
from kaiko_middleware.conformance import check_answer
from kaiko_middleware.report import RequestInfo

if TYPE_CHECKING:
    from kaiko_middleware import Reply
    from kaiko_middleware.conformance import Violation

REQUEST_ID = "req-7f65ab21d1"
REQUEST = RequestInfo(REQUEST_ID, "GET", "/v2/chat")
# Made up, and shaped like the real ones.
KEYS = (
    "kaiko_live_0123456789abcdef",
    "kaiko_test_x",
    "sk-ABCDEFGHIJKLMNOP",
    "sk-proj-abc_DEF-0123456789",
    "Bearer abc.def-ghi_jkl~1",
    "bearer\tQWxhZGRpbjpvcGVu==",
)

# Every string that Python can hold, the awkward ones first.
any_text = st.one_of(
    st.sampled_from(["", " ", "\0", "\u2028", "\ud800", "\udc00\ud800", "\U0001f600", "\r\n"]),
    st.text(st.characters(), max_size=40),
)


class Lazy:
    """A translation that is made when it is read, as frameworks have them."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __str__(self) -> str:
        return self.text


class ContextNotFound(NotFoundError, code="unit_context_not_found", param="context_id"):
    """The context does not exist, or it has expired."""


class Throttled(RateLimitError, code="plan_exhausted"):
    """The plan allows no more requests today."""

    def __init__(self, plan: str, *, seats: int) -> None:
        super().__init__(f"Plan {plan} is exhausted", retry_after=12.5, limit=seats, remaining=0)
        self.plan = plan


class DuplicateId(ConflictError, code="unit_duplicate_id"):
    """The external_id stands in this context already."""

    def __init__(self, external_id: str, first_seen: int) -> None:
        super().__init__(f"{external_id} was used at {first_seen}", param="external_id")


def faults(reply: Reply) -> list[Violation]:
    """Return what is wrong with an answer, whatever its author chose to say.

    Hypothesis finds the very texts that the checker calls a tell: as an author's they are fine.
    """
    return [violation for violation in check_answer(*reply) if violation.rule != "inside"]


def header(reply: Reply, name: str) -> list[str]:
    """Return every value that a reply has for a header."""
    return [value for key, value in reply.headers if key.lower() == name.lower()]


def error_of(body: bytes) -> dict[str, Any]:
    """Return the members of the envelope that a body is."""
    return cast("dict[str, Any]", json.loads(body)["error"])  # an envelope
