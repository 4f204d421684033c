"""What an upstream said, kept on the typed error for the log and never sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from ._tokens import Category

__all__ = ["UpstreamDetails"]


class UpstreamDetails(NamedTuple):
    """What an upstream said; it goes to the log record and the hooks, never into an answer.

    `status` is None where no answer came; `request_id` the upstream's own; `excerpt` the
    start of what it said, redacted, on one line and cut; `processed` whether the request
    may have been acted on.
    """

    name: str
    category: Category
    status: int | None
    request_id: str | None
    excerpt: str
    processed: bool
