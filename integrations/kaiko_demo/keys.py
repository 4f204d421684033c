"""API keys: who is calling, and may they.

A key travels in `x-api-key` and reads `kaiko_live_…` (production) or `kaiko_test_…`
(staging). Missing, malformed and unknown keys are all 401, so that a caller who guesses
learns nothing; a key that was valid once and has been revoked is 403. No message repeats
what was presented.
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
    """One key and what it is allowed.

    Arguments:
        value: The key as it travels; kept out of `repr`.
        per_minute: Requests it may make in a minute.
        revoked: Whether it has been withdrawn.
    """

    value: str = field(repr=False)
    per_minute: int = 600
    revoked: bool = False


class KeyRing:
    """The keys that the service knows."""

    def __init__(self, keys: Iterable[ApiKey]) -> None:
        self._keys = {key.value: key for key in keys}

    def authenticate(self, presented: str | None) -> ApiKey:
        """The key that was presented.

        Arguments:
            presented: The value of `x-api-key`; None where the header is absent.

        Raises:
            InvalidApiKey: 401 where it is missing, malformed or unknown.
            KeyRevoked: 403 where it has been revoked.
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
