"""Contexts: conversations that are kept for a day and then expire.

An expired context is remembered for one more lifetime, so its owner reads "expired" and not
"unknown". The code is `context_not_found` in both cases. An `external_id` names one message
within a context, so a client can repeat a request safely.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from threading import Lock
from typing import TYPE_CHECKING

from kaiko_demo.errors import ContextNotFound, DuplicateId
from kaiko_demo.schemas import Message

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from kaiko_demo.clock import Clock

__all__ = ["Context", "ContextStore"]


@dataclass(slots=True)
class Context:
    """One conversation.

    Arguments:
        context_id: Its name.
        created_at: When it was made.
        expires_at: When it expires.
        messages: Its messages, in order.
    """

    context_id: str
    created_at: datetime
    expires_at: datetime
    messages: list[Message] = field(default_factory=list[Message])


class ContextStore:
    """Every context, in memory, safe to use from several threads.

    Arguments:
        clock: Returns the time.
        new_id: Makes the names of contexts.
        lifetime: How long a context lives, 24 hours by default.
    """

    def __init__(
        self,
        clock: Clock,
        new_id: Callable[[], str],
        *,
        lifetime: timedelta = timedelta(hours=24),
    ) -> None:
        self._clock = clock
        self._new_id = new_id
        self._lifetime = lifetime
        self._contexts: dict[str, Context] = {}
        self._lock = Lock()

    def create(
        self, *, context_id: str | None = None, created_at: datetime | None = None
    ) -> Context:
        """Make an empty context.

        Arguments:
            context_id: Its name; a new one by default.
            created_at: When its life began; now by default.
        """
        now = self._clock()
        born = now if created_at is None else created_at
        context = Context(
            self._new_id() if context_id is None else context_id, born, born + self._lifetime
        )
        with self._lock:
            self._forget(now)
            self._contexts[context.context_id] = context
        return context

    def get(self, context_id: str) -> Context:
        """Return the context with this name.

        Raises:
            ContextNotFound: 404 if there is none, or it has expired.
        """
        context = self._contexts.get(context_id)
        if context is None:
            raise ContextNotFound(f"Context '{context_id}' does not exist")
        if context.expires_at <= self._clock():
            raise ContextNotFound(f"Context '{context_id}' has expired")
        return context

    def add(self, context_id: str, messages: Sequence[Message]) -> Context:
        """Add messages to a context: all of them, or none.

        Raises:
            ContextNotFound: 404 if there is no such context, or it has expired.
            DuplicateId: 409 if an `external_id` exists already, or comes twice.
        """
        context = self.get(context_id)
        with self._lock:
            taken = {message.external_id for message in context.messages}
            for position, message in enumerate(messages):
                if message.external_id is None:
                    continue
                if message.external_id in taken:
                    raise DuplicateId(
                        f"A message with the external_id '{message.external_id}' "
                        "is in this context already",
                        param=f"messages[{position}].external_id",
                    )
                taken.add(message.external_id)
            context.messages.extend(messages)
        return context

    def _forget(self, now: datetime) -> None:
        """Drop contexts that expired a lifetime ago, to bound the memory."""
        for context in list(self._contexts.values()):
            if context.expires_at + self._lifetime <= now:
                del self._contexts[context.context_id]
