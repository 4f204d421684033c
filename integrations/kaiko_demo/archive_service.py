"""The archive itself, in its own process: it keeps contexts and returns them.

One of them is a bad row, written before roles were checked. Reading it fails with pydantic's
`ValidationError`, an unmapped exception whose text quotes the row.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kaiko_demo.errors import ContextNotFound
from kaiko_demo.schemas import ContextView
from kaiko_middleware import ForbiddenError, RateLimitError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ArchiveService", "Row"]


@dataclass(frozen=True, slots=True)
class Row:
    """A stored context.

    Arguments:
        text: The context, as JSON.
        sealed: Whether only its owner may read it.
        cold: Whether it is in cold storage, which allows few reads.
    """

    text: str
    sealed: bool = False
    cold: bool = False


class ArchiveService:
    """Read-only contexts.

    Arguments:
        rows: The stored contexts by name.
    """

    def __init__(self, rows: Mapping[str, Row]) -> None:
        self._rows = rows

    def context(self, context_id: str) -> ContextView:
        """Return a conversation and its messages.

        Arguments:
            context_id: The context's name.

        Raises:
            ForbiddenError: 403 if the context is sealed.
            ContextNotFound: 404 if it is not here.
            RateLimitError: 429 if it is in cold storage.
        """
        row = self._rows.get(context_id)
        if row is None:
            raise ContextNotFound(f"Context '{context_id}' is not in the archive")
        if row.sealed:
            raise ForbiddenError("This key may not read sealed contexts")
        if row.cold:
            raise RateLimitError("Contexts in cold storage are read once a minute", retry_after=60)
        return ContextView.model_validate_json(row.text)


def row(context_id: str, *, role: str = "user", content: str = "Hello") -> str:
    """Return a context with one message, as JSON."""
    return json.dumps(
        {
            "context_id": context_id,
            "created_at": "2026-01-05T09:00:00Z",
            "expires_at": "2026-01-06T09:00:00Z",
            "messages": [{"role": role, "content": content}],
        }
    )
