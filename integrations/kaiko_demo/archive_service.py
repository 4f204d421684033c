"""What the archive itself does, in its own process: it keeps contexts, and lets them be read.

One of them is a bad row, written before roles were checked. Reading it fails with pydantic's
`ValidationError`, which nobody foresaw and whose text quotes the row: the archive's exhibit.
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

    from kaiko_demo.keys import KeyRing

__all__ = ["ArchiveService", "Row"]


@dataclass(frozen=True, slots=True)
class Row:
    """A context as it is kept.

    Arguments:
        text: The context, as JSON.
        sealed: Whether only its owner may read it.
        cold: Whether it is in cold storage, which is read once in a while.
    """

    text: str
    sealed: bool = False
    cold: bool = False


class ArchiveService:
    """Contexts that nothing is added to any more, behind API keys.

    Arguments:
        keys: Who may read.
        rows: What is kept, by the context's name.
    """

    def __init__(self, keys: KeyRing, rows: Mapping[str, Row]) -> None:
        self._keys = keys
        self._rows = rows

    def context(self, presented: str | None, context_id: str) -> ContextView:
        """A conversation and its messages.

        Arguments:
            presented: The value of `x-api-key`.
            context_id: The context's name.

        Raises:
            InvalidApiKey: 401 where the key is missing, malformed or unknown.
            KeyRevoked: 403 where it has been revoked.
            ForbiddenError: 403 where the context is sealed.
            ContextNotFound: 404 where it is not here.
            RateLimitError: 429 where it is in cold storage.
        """
        self._keys.authenticate(presented)
        row = self._rows.get(context_id)
        if row is None:
            raise ContextNotFound(f"Context '{context_id}' is not in the archive")
        if row.sealed:
            raise ForbiddenError("This key may not read sealed contexts")
        if row.cold:
            raise RateLimitError("Contexts in cold storage are read once a minute", retry_after=60)
        return ContextView.model_validate_json(row.text)


def row(context_id: str, *, role: str = "user", content: str = "Hello") -> str:
    """A context of one message, as JSON."""
    return json.dumps(
        {
            "context_id": context_id,
            "created_at": "2026-01-05T09:00:00Z",
            "expires_at": "2026-01-06T09:00:00Z",
            "messages": [{"role": role, "content": content}],
        }
    )
