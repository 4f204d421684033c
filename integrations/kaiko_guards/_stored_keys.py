"""How keys are made and stored: shown once, and kept as a digest.

A key is `kaiko_live_`, eight characters to find it by, and 32 characters of randomness: 160 bits,
which nobody guesses. So a fast digest is enough (NIST SP 800-63B, section 5.1.2 allows one
for secrets of at least 112 bits), where a password's slow one would cost a second a request.
"""

from __future__ import annotations

import base64
import hmac
import secrets
from hashlib import blake2s, sha256
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from kaiko_guards._verdicts import KeyAnswer, ValidKey

__all__ = [
    "NewKey",
    "StoredKey",
    "answer_for",
    "digest_of",
    "first_allowed",
    "lookup_of",
    "new_key",
    "quick_digest",
]

_RANDOM = 20  # bytes: 160 bits, 32 characters of base32
_LOOKUP = 5  # bytes: 40 bits, 8 characters


class _Digest(Protocol):
    def digest(self) -> bytes: ...


class _Hash(Protocol):
    def __call__(self, data: bytes, /) -> _Digest: ...


class NewKey(NamedTuple):
    """A key that was just made; `key` is shown once, `lookup` and `digest` are stored."""

    key: str
    lookup: str
    digest: str

    def __repr__(self) -> str:
        """Return what may be seen of it, in a log or a traceback."""
        return f"NewKey(lookup={self.lookup!r})"


class StoredKey(NamedTuple):
    """What is stored of a key, and what it is good for."""

    lookup: str
    digest: str
    valid: ValidKey
    expires_at: datetime | None = None
    revoked: bool = False

    def __repr__(self) -> str:
        """Return what may be seen of it, in a log or a traceback."""
        return f"StoredKey(lookup={self.lookup!r})"


_NOBODY = "0" * 64


def first_allowed(*hashes: _Hash) -> _Hash:
    """Return the first hash that this build of Python allows: FIPS mode refuses BLAKE2."""
    for each in hashes[:-1]:
        try:
            each(b"")
        except ValueError:
            continue
        return each
    return hashes[-1]


quick_digest = first_allowed(blake2s, sha256)
"""Finds a key that was seen before, in half the time of SHA-256, without keeping the key."""


def new_key(prefix: str = "kaiko_live_") -> NewKey:
    """Make a key that begins with `prefix`."""
    lookup = prefix + _letters(secrets.token_bytes(_LOOKUP))
    key = lookup + _letters(secrets.token_bytes(_RANDOM))
    return NewKey(key, lookup, digest_of(key))


def _letters(octets: bytes) -> str:
    return base64.b32encode(octets).decode("ascii").rstrip("=").lower()


def digest_of(key: str) -> str:
    """Return the SHA-256 of a key, as 64 hex digits."""
    return sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def lookup_of(key: str) -> str:
    """Return the part of a key that it is stored under: its prefix and eight characters."""
    start = key.rfind("_") + 1
    return key[: start + 8]


def answer_for(key: str, stored: StoredKey | None, now: Callable[[], datetime]) -> KeyAnswer:
    """Say what a key is, given what is stored under its look-up part.

    It costs the same whether or not anything is, and wherever the digests differ.
    """
    known = hmac.compare_digest(digest_of(key), _NOBODY if stored is None else stored.digest)
    if stored is None or not known:
        return "unknown"
    if stored.revoked:
        return "revoked"
    if stored.expires_at is not None and stored.expires_at <= now():
        return "expired"
    return stored.valid
