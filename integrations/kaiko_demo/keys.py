"""API keys: who is calling, and what they may do.

A key is sent in `x-api-key` and looks like `kaiko_live_…` (production) or `kaiko_test_…`
(staging). Missing, malformed and unknown keys are all 401, so a caller who guesses learns
nothing. A revoked key is 403. No message repeats the key that was sent.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kaiko_demo.errors import InvalidApiKey, KeyRevoked

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["ApiKey", "KeyRing"]

_FORM = re.compile(r"kaiko_(?:live|test)_[A-Za-z0-9]{16,64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key and what it permits.

    Arguments:
        value: The key as it is sent; kept out of `repr`.
        per_minute: Requests that it may make in a minute.
        revoked: Whether it has been revoked.
    """

    value: str = field(repr=False)
    per_minute: int = 600
    revoked: bool = False


class KeyRing:
    """The keys that the service knows."""

    def __init__(self, keys: Iterable[ApiKey]) -> None:
        self._keys = {key.value: key for key in keys}

    def authenticate(self, presented: str | None) -> ApiKey:
        """Return the key that was sent.

        Arguments:
            presented: The value of `x-api-key`; None if the header is missing.

        Raises:
            InvalidApiKey: 401 if it is missing, malformed or unknown.
            KeyRevoked: 403 if it has been revoked.
        """
        if not presented:
            raise InvalidApiKey("The x-api-key header is missing")
        if _FORM.fullmatch(presented) is None:
            raise InvalidApiKey("The x-api-key header does not hold a Kaiko API key")
        key = self._keys.get(presented)
        if key is None:
            raise InvalidApiKey("The API key in x-api-key is not known")
        if key.revoked:
            raise KeyRevoked("The API key has been revoked: generate a new one in the console")
        return key
