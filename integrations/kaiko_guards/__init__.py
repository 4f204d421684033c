"""kaiko-middleware's guards: API keys, rate limits, body sizes and deadlines.

>>> from kaiko_guards import BodyLimit, Deadline, RateLimit
>>> guards = [Deadline(30), BodyLimit(1_000_000), RateLimit("100/minute;5/second", by="address")]

Each answers in the contract: 401 and 403, 429, 413, 503 `timeout`. What runs them is one middleware
for each kind of application, such as `kaiko_guards.asgi.GuardMiddleware`.
"""

from __future__ import annotations

from kaiko_guards._cached_keys import AsyncCachedKeys, CachedKeys
from kaiko_guards._chain import Guard
from kaiko_guards._deadlines import Deadline
from kaiko_guards._keys import ApiKeys
from kaiko_guards._limits import RateLimit
from kaiko_guards._request import GuardedRequest
from kaiko_guards._sizes import BodyLimit
from kaiko_guards._stored_keys import NewKey, new_key
from kaiko_guards._verdicts import AsyncKeyVerifier, KeyAnswer, KeyVerifier, ValidKey
from kaiko_guards._verifiers import FileKeys, HashedKeys
from kaiko_middleware.deadline import deadline

__all__ = [
    "ApiKeys",
    "AsyncCachedKeys",
    "AsyncKeyVerifier",
    "BodyLimit",
    "CachedKeys",
    "Deadline",
    "FileKeys",
    "Guard",
    "GuardedRequest",
    "HashedKeys",
    "KeyAnswer",
    "KeyVerifier",
    "NewKey",
    "RateLimit",
    "ValidKey",
    "deadline",
    "new_key",
]
