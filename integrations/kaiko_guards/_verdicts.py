"""What is known of a key, and who knows it."""

from __future__ import annotations

from typing import Literal, NamedTuple, Protocol

__all__ = ["AsyncKeyVerifier", "KeyAnswer", "KeyVerifier", "ValidKey", "needs_thread"]


class ValidKey(NamedTuple):
    """A key that may be used.

    `principal` is whom it belongs to, in whatever form the service wants it; `name` stands for
    the principal in limits and logs; `scopes` is what the key permits.
    """

    principal: object
    name: str
    scopes: frozenset[str] = frozenset()


KeyAnswer = ValidKey | Literal["unknown", "expired", "revoked"]
"""What a verifier says of a key."""


class KeyVerifier(Protocol):
    """Looks keys up."""

    def verify(self, key: str, /) -> KeyAnswer:
        """Say what is known of `key`, which has the form of a key.

        An exception says that it cannot be known: the request is answered 503, and never let
        through.
        """
        ...


class AsyncKeyVerifier(Protocol):
    """Looks keys up without blocking the event loop."""

    async def verify(self, key: str, /) -> KeyAnswer:
        """Say what is known of `key`; as in `KeyVerifier`."""
        ...


def needs_thread(verifier: object) -> bool:
    """Whether a verifier says, by an attribute `needs_thread`, that no event loop can call it."""
    return getattr(verifier, "needs_thread", False) is True
